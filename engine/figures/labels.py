"""Names of files and columns in figures: they may hold anything."""

from __future__ import annotations

import logging
import unicodedata
from functools import cache

from matplotlib import font_manager
from matplotlib.text import Text

from ...io.errors import printable

__all__ = ["as_name"]

log = logging.getLogger("utokyo")

JAPANESE = (
    *("Noto Sans CJK JP", "Noto Sans JP", "Source Han Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic"),
    *("Yu Gothic", "Meiryo", "MS Gothic", "Hiragino Sans", "Hiragino Kaku Gothic ProN", "BIZ UDGothic"),
)
"""Fonts of Linux, Windows and macOS, in the order in which they are looked for; then any that has the letter."""
UNKNOWN = "?"


def as_name(text: Text) -> Text:
    """Draw a text as it stands, for it holds the name of a file or of a column: no mathematics between dollar signs.

    Letters that its font lacks, as Japanese ones, come from an installed font that has them. Where there is none, the
    letter is replaced, and a warning says so, once.

    Parameters
    ----------
    text : matplotlib.text.Text
        A title or a label. Where it is changed later, this is called again.

    Returns
    -------
    matplotlib.text.Text
        The same one.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> title = as_name(Figure().subplots().set_title("run $1 of $2"))
    >>> title.get_parse_math(), title.get_text()
    (False, 'run $1 of $2')
    """
    text.set_parse_math(False)
    content = "".join(" " if letter.isspace() and letter != "\n" else letter for letter in printable(text.get_text()))
    if not content.isascii():
        families = list(text.get_fontfamily())
        own = _letters_of(font_manager.findfont(text.get_fontproperties()))
        strange = {letter for letter in content if letter != "\n" and ord(letter) not in own}
        fonts = {letter: _font_with(letter) for letter in strange}
        lost = {letter for letter, font in fonts.items() if font is None}
        if lost:
            content = "".join(_like(letter, own) if letter in lost else letter for letter in content)
            _tell_lost()
        more = sorted({font for font in fonts.values() if font is not None} - set(families))
        if more:
            text.set_fontfamily([*families, *more])
    if content != text.get_text():
        text.set_text(content)
    return text


@cache
def _font_with(letter: str) -> str | None:
    """An installed font that has a letter; None where there is none."""
    listed = font_manager.fontManager.ttflist
    installed = {entry.name: entry.fname for entry in listed if entry.weight in {400, "normal"}}
    known = [name for name in JAPANESE if name in installed]
    for name in (*known, *sorted(installed.keys() - set(known))):
        try:
            if ord(letter) in _letters_of(installed[name]):
                return name
        except (OSError, RuntimeError, ValueError):  # a font that is broken, or was just removed
            continue
    return None


@cache
def _letters_of(path: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(path).get_charmap())


def _like(letter: str, known: frozenset[int]) -> str:
    """The letter without accents or width, where the font has that."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return plain if plain and all(ord(part) in known for part in plain) else UNKNOWN


@cache
def _tell_lost() -> None:
    log.warning(
        "no installed font has some letters of names, which are drawn as '%s'; install one, as Noto Sans CJK JP",
        UNKNOWN,
    )
