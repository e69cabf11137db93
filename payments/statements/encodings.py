"""Which encoding a text file has."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from payments.statements.refusal import StatementRefused

CHUNK = 1 << 20
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# ASCII, a hard blank and accented letters: what a statement in Latin-1 is made of; and the dots,
# quotes and dashes of Windows-1252, which Latin-1 is a part of and Excel saves a CSV in.
LATIN = (
    bytes(range(0x80))
    + b"\xa0\x85\x91\x92\x93\x94\x96\x97"
    + bytes({*range(0xC0, 0x100)} - {0xD7, 0xF7})
)


def encoding_of(content: BinaryIO, beginning: bytes) -> str:
    """UTF-8, UTF-16, or Windows-1252 where each byte that is not ASCII would be usual in it.

    The whole file is looked at; a character that is cut in two at its end is none. Raises
    StatementRefused with the line.
    """
    if beginning.startswith(UTF16_MARKS):
        return "utf-16"
    if (unmarked := _unmarked_utf16(beginning)) is not None:
        return unmarked
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    line, odd = 1, 0  # `odd`: the first line with what no text in Windows-1252 has
    for chunk in iter(lambda: content.read(CHUNK), b""):
        if b"\0" in chunk:
            line += chunk[: chunk.index(b"\0")].count(b"\n")
            raise StatementRefused(f"The file is not text: line {line} has a zero byte.")
        if utf8 is not None:
            try:
                utf8.decode(chunk)
            except UnicodeDecodeError:
                utf8 = None
        if not odd and (others := chunk.translate(None, LATIN)):
            odd = line + chunk[: chunk.index(others[:1])].count(b"\n")
        if utf8 is None and odd:
            raise StatementRefused(
                f"Line {odd} has a byte that is no letter in UTF-8, UTF-16 or Windows-1252: save "
                "the file as UTF-8."
            )
        line += chunk.count(b"\n")
    return "utf-8-sig" if utf8 is not None else "cp1252"


def _unmarked_utf16(beginning: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of a header in ASCII is zero."""
    start = beginning[:64]
    if len(start) < 4 or b"\0" not in start:
        return None
    if not any(start[1::2]) and all(start[0::2]):
        return "utf-16-le"
    if not any(start[0::2]) and all(start[1::2]):
        return "utf-16-be"
    return None
