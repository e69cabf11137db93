"""Reads ahead of whoever stores: the next piece is made while the database takes the one before."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")


def ahead(pieces: Iterator[Piece]) -> Generator[Piece, None, None]:
    """The same pieces, made in a thread, one before it is asked for; close it to be done early.

    What makes them must not touch the database: a connection is one thread's.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        coming = reader.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = reader.submit(next, pieces, None)
            yield piece
