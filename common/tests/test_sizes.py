"""Bytes as people read them."""

from __future__ import annotations

import pytest

from common.sizes import in_words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1250, "1.25 kB"),
        (10_049, "10 kB"),
        (10_060, "10.1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (5 * 10**9, "5 GB"),
        (100 * 10**9, "100 GB"),
        (4 * 10**15, "4 PB"),
        (12_345 * 10**15, "12345 PB"),
    ],
)
def test_at_most_three_figures_and_a_unit(size: int, words: str) -> None:
    assert in_words(size) == words
