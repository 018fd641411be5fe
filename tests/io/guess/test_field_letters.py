"""Windows-1252 beside Shift-JIS, where both can read the bytes."""

from __future__ import annotations

import pytest

from utokyo.io.guess.letters import likely_encoding


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Time,T \uff761,\uff92\uff93", "cp932"),
        ("Time,T (\uff9fC),\u7089", "cp932"),
        ("\uff9d\uff8f \uff76", "cp932"),
        ("Zeit;Länge (µm);Temp (°C);Größe", "cp1252"),
        ("Maß;Übergrößenträger;Öl;GRÖSSE", "cp1252"),
        ("Débit;été;l\u2019eau", "cp1252"),
        ("A ± B;m²;Å", "cp1252"),
    ],
)
def test_signs_stand_where_their_language_puts_them(text, encoding):
    assert likely_encoding(text.encode(encoding)) == encoding
