"""Values, a few at a time: a query that names too many is slow, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

LOOK_UP = 900  # values in one query: MariaDB makes a table of more than a thousand
Value = TypeVar("Value")


def some(values: Iterable[Value], size: int = LOOK_UP) -> Iterator[list[Value]]:
    """As many at a time as one query may name."""
    left = iter(list(values))
    while taken := list(islice(left, size)):
        yield taken
