"""What happened, one moment after another, as staff's pages tell it (`templates/moments.html`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a posting, in TZS."""

    account: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `raw` is shown on request, `lines` are a posting's; `verb` names what
    can be done about it, on the page at `url`.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    tone: str = ""  # good, bad or ""
    raw: str = ""
    lines: tuple[Line, ...] = ()
    verb: str = ""
    url: str = ""
