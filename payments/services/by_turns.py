"""Stores pieces on two connections by turns: one is begun while the one before it is completed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from typing import Generic, TypeVar

from django.db import DatabaseError, connections

from common.transactions import is_conflict

logger = logging.getLogger(__name__)

Piece = TypeVar("Piece")
# A transaction: from its opening to the yield, and from there to its commit. Closed before, it is undone.
Halves = Generator[None, None, None]


class NotBeforehand(Exception):
    """Of a first half: it needs what the pieces before store."""


def by_turns(
    pieces: Iterable[Piece], halves: Callable[[Piece], Halves], whole: Callable[[Piece], None]
) -> None:
    """Store pieces in order, the first half of each beside the second half of the one before.

    First halves follow one another, and a second half begins when all pieces before are committed.
    Where the database gives one up, it and the one that was begun beside it are undone and stored by
    `whole`, one after the other and on the caller's connection; so is one that is not begun beforehand.
    """
    with closing(_Side(halves)) as one, closing(_Side(halves)) as other:
        before: _Side[Piece] | None = None  # in its second half
        try:
            for piece, side in zip(pieces, cycle((one, other)), strict=False):
                side.begin(piece)
                if before is not None and not before.is_stored():
                    side.undo()
                    given_up, before = before.piece, None
                    whole(given_up)
                    whole(piece)
                elif side.has_begun():
                    side.complete()
                    before = side
                else:
                    before = None
                    whole(piece)
        finally:
            if before is not None and not before.is_stored():
                whole(before.piece)


class _Side(Generic[Piece]):
    """A thread, for a connection is one thread's, with one piece at a time."""

    piece: Piece
    _half: Future[None]

    def __init__(self, halves: Callable[[Piece], Halves]) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="by-turns")
        self._halves_of = halves
        self._halves: Halves = (_ for _ in ())

    def begin(self, piece: Piece) -> None:
        self.piece, self._halves = piece, self._halves_of(piece)
        self._half = self._thread.submit(next, self._halves, None)

    def complete(self) -> None:
        self._half = self._thread.submit(next, self._halves, None)

    def has_begun(self) -> bool:
        """Wait for the first half; False where it has to be `whole`: nothing is stored."""
        try:
            self._half.result()
        except NotBeforehand:
            return False
        except DatabaseError as error:
            logger.warning("A piece is stored on its own: %s", error)
            return False
        return True

    def is_stored(self) -> bool:
        """Wait for the second half; False where the database has undone it and asks for another try."""
        try:
            self._half.result()
        except DatabaseError as error:
            if not is_conflict(error):
                raise
            logger.warning("A piece is stored again on its own: %s", error)
            return False
        return True

    def undo(self) -> None:
        self._thread.submit(self._halves.close).result()

    def close(self) -> None:
        self.undo()
        self._thread.submit(connections.close_all).result()  # its own
        self._thread.shutdown()
