"""The encoding of a text that does not say it, by its letters."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from utokyo import InputError
from utokyo.io.guess.letters import encoding_of, likely_encoding
from utokyo.io.reader import Reader

NUMBERS = "\n1.5,2\n2.5,3\n"
JAPANESE = st.text(st.sampled_from("測定温度炉圧力時刻日付電流能表ソ予十高低"), min_size=2, max_size=8)
KATAKANA = st.text(st.sampled_from("ｦｧｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ"), min_size=2, max_size=6)
WESTERN = st.sampled_from(["Öl (°C)", "Strom (µA)", "Druck über Öfen", "Température (°C)", "ähnlich", "½ Füllung"])


def is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.one_of(JAPANESE, KATAKANA), st.sampled_from(["", "P ", "T (K) "]))
def test_letters_of_japanese_windows_are_found(word, before):
    text = f"{before}{word},n{NUMBERS}".encode("cp932")
    assume(not is_utf_8(text))
    assert encoding_of(Path("t.csv"), text) == "cp932"


@given(WESTERN, st.sampled_from(["", "P ", "T "]))
def test_a_western_letter_stands_alone_between_latin_ones(word, before):
    text = f"{before}{word},n{NUMBERS}"
    assert encoding_of(Path("t.csv"), text.encode("cp1252")) == "cp1252"


@given(st.one_of(JAPANESE, KATAKANA, WESTERN))
def test_what_reads_as_utf_8_is_utf_8(word):
    assert likely_encoding(f"{word},n{NUMBERS}".encode()) == "utf-8"


def test_half_width_letters_between_latin_ones_are_japanese(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("Time,ｵﾝﾄﾞ T (K),n\n2022-03-14 10:00:00,293.5,1\n".encode("cp932"))
    reader = Reader(path)
    reader.update()
    assert reader.frame.columns == ["Time", "ｵﾝﾄﾞ T (K)", "n"]
    assert reader.layout.encoding == "cp932"


def test_a_degree_sign_of_western_windows_is_a_degree_sign(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("Zeit;Öl (°C);Strom (µA)\n09.05.2023 11:20:05;19,5;2,25\n".encode("cp1252"))
    reader = Reader(path)
    reader.update()
    assert reader.frame.columns == ["Zeit", "Öl (°C)", "Strom (µA)"]
    assert reader.frame.row(0)[1:] == (19.5, 2.25)


def test_a_letter_that_comes_late_is_the_same_whenever_somebody_looks(tmp_path):
    content = ("t,note\n" + "".join(f"{i},ok\n" for i in range(40)) + "41,Öl läuft über\n").encode("cp1252")
    whole, grown = tmp_path / "whole.csv", tmp_path / "grown.csv"
    whole.write_bytes(content)
    reader, growing = Reader(whole), Reader(grown)
    reader.update()
    for stop in range(0, len(content) + 1, 17):
        grown.write_bytes(content[:stop])
        growing.update()
    grown.write_bytes(content)
    growing.update()
    assert reader.frame["note"][-1] == "Öl läuft über"
    assert growing.frame.equals(reader.frame)
    assert growing.layout == reader.layout


def test_what_is_text_in_none_of_them_is_refused_with_its_line():
    sample = b"a,b\n1,2\n3,\x81\x20\x8d\xff\n"
    with pytest.raises(InputError, match=r"t\.csv, line 3: neither UTF-8, Shift-JIS nor Windows-1252"):
        encoding_of(Path("t.csv"), sample)
