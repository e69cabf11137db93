"""How many SMS a text is sent and charged as."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

# GSM 03.38 (3GPP TS 23.038, sections 6.2.1 and 6.2.1.1): what 7 bits can say, and what needs two of
# them. A text with any other letter goes out in UCS-2.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")


# What people and programs write without need, which would make a text two or three SMS instead of
# one: typographic signs and blanks, by their plain form.
_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " ")
    | {"\u2026": "...", "\u2044": "/"}
)


class Segments(NamedTuple):
    """`units` are septets of GSM-7 or 16-bit units of UCS-2, `parts` the SMS that carry them."""

    alphabet: str
    units: int
    parts: int


def normalised(text: str) -> str:
    """The text in the letters that cost least and say the same."""
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def gsm7(text: str) -> str:
    """The text as 7 bits can say it: other letters without their accents or as "?", signs not at all."""
    return "".join(_said(letter) for letter in normalised(text))


def segments(text: str) -> Segments:
    """The alphabet, length and number of SMS of a text; several carry a header of six bytes each."""
    if not set(text) - _BASIC - _EXTENDED:
        return _filled("GSM-7", [1 + (letter in _EXTENDED) for letter in text], 160, 153)
    return _filled("UCS-2", [1 + (letter > "\uffff") for letter in text], 70, 67)


def _said(letter: str) -> str:
    if letter in _BASIC or letter in _EXTENDED:
        return letter
    simple = unicodedata.normalize("NFKD", letter).translate(_PLAIN)
    return "".join(each for each in simple if each in _BASIC) or "?" * letter.isalnum()


def _filled(alphabet: str, widths: list[int], alone: int, together: int) -> Segments:
    """No letter is torn between two SMS."""
    units = sum(widths)
    if units <= alone:
        return Segments(alphabet, units, 1)
    parts, room = 1, together
    for width in widths:
        if width > room:
            parts, room = parts + 1, together
        room -= width
    return Segments(alphabet, units, parts)
