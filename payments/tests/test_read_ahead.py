"""The next piece is made while the one before is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from threading import Event, current_thread

import pytest

from payments.services.read_ahead import ahead

PATIENCE_SECONDS = 60


def test_every_piece_comes_once_and_in_order() -> None:
    assert list(ahead(iter(range(1, 5)))) == [1, 2, 3, 4]
    assert list(ahead(iter(()))) == []


def test_a_piece_is_made_in_a_thread_while_the_one_before_is_used() -> None:
    second = Event()
    makers = []

    def pieces() -> Iterator[int]:
        makers.append(current_thread())
        yield 1
        second.set()
        yield 2

    with closing(ahead(pieces())) as made:
        assert next(made) == 1
        assert second.wait(PATIENCE_SECONDS)
    assert makers != [current_thread()]


def test_what_goes_wrong_in_making_is_told_to_who_uses() -> None:
    def pieces() -> Iterator[int]:
        yield 1
        raise ValueError("cut off")

    made = ahead(pieces())
    assert next(made) == 1
    with pytest.raises(ValueError, match="cut off"):
        next(made)


def test_who_stops_early_leaves_nobody_at_work() -> None:
    made_so_far = []

    def pieces() -> Iterator[int]:
        for number in range(1, 100):
            made_so_far.append(number)
            yield number

    with closing(ahead(pieces())) as made:
        next(made)
    assert made_so_far == [1, 2]
