"""The next piece is begun while the one before is completed, and the order is that of the pieces."""

from __future__ import annotations

from threading import Event

import pytest
from django.db import OperationalError

from payments.services.by_turns import Halves, NotBeforehand, by_turns

PATIENCE_SECONDS = 10
DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock")


class Store:
    """Keeps what it is told in order, and goes wrong once at a half of a piece."""

    def __init__(self, trouble: Exception, at: str) -> None:
        self.kept: list[int] = []
        self.done: list[str] = []
        self._trouble, self._at = trouble, at

    def halves(self, piece: int) -> Halves:
        self._do(f"begin {piece}")
        try:
            yield
        except GeneratorExit:
            self.done.append(f"undo {piece}")
            raise
        self._do(f"complete {piece}")
        self.kept.append(piece)

    def whole(self, piece: int) -> None:
        self.done.append(f"whole {piece}")
        self.kept.append(piece)

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what == self._at:
            raise self._trouble


@pytest.mark.parametrize(
    ("trouble", "at", "again"),
    [
        (DEADLOCK, "never", []),
        (DEADLOCK, "begin 1", ["whole 1"]),
        (NotBeforehand(), "begin 3", ["whole 3"]),
        (DEADLOCK, "complete 2", ["undo 3", "whole 2", "whole 3"]),
        (DEADLOCK, "complete 5", ["whole 5"]),
    ],
)
def test_each_piece_is_stored_once_and_in_order(
    trouble: Exception, at: str, again: list[str]
) -> None:
    store = Store(trouble, at)
    by_turns(iter(range(1, 6)), store.halves, store.whole)
    assert store.kept == [1, 2, 3, 4, 5]
    assert [each for each in store.done if each.startswith(("undo", "whole"))] == again


def test_a_piece_is_begun_while_the_one_before_is_completed() -> None:
    begun, is_begun_in_time = Event(), []

    def halves(piece: int) -> Halves:
        if piece == 2:
            begun.set()
        yield
        if piece == 1:
            is_begun_in_time.append(begun.wait(PATIENCE_SECONDS))

    by_turns([1, 2], halves, lambda piece: None)
    assert is_begun_in_time == [True]


@pytest.mark.parametrize("at", ["begin 3", "complete 2"])
def test_what_no_other_try_mends_ends_it(at: str) -> None:
    """What comes before is kept, and nothing more is begun or left open."""
    store = Store(ValueError("ours"), at)
    with pytest.raises(ValueError, match="ours"):
        by_turns([1, 2, 3, 4], store.halves, store.whole)
    assert store.kept == ([1, 2] if at == "begin 3" else [1])
    assert "begin 4" not in store.done
    assert ("undo 3" in store.done) == (at == "complete 2")
