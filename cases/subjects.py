"""What a case is about: apps above say how their subject's prefix becomes a link and a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """`description` is a short sentence; `link` is a page of the admin, empty where there is none.

    `person` is the primary key of the user whose numbers a case of it may tell.
    """

    description: str
    link: str = ""
    person: int | None = None


# Gets what follows the prefix and its colon; None for a row that there is not.
Finder = Callable[[str], Subject | None]

_finders: dict[str, Finder] = {}


def register(prefix: str, finder: Finder) -> None:
    """Say who knows the subjects `<prefix>:…`."""
    _finders[prefix] = finder


def subject_of(name: str) -> Subject:
    """What a subject such as `payment:<id>` is; its bare name where nobody knows it."""
    prefix, _, key = name.partition(":")
    finder = _finders.get(prefix)
    found = finder(key) if finder else None
    return found or Subject(name)
