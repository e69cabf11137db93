"""A measured ratio, what it is made of, and its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Unit:
    """What a series is measured in; `factor` brings its numbers to what is printed."""

    name: str
    factor: float = 1
    more_is_better: bool = False


MILLISECONDS = Unit("ms", factor=1000)  # of series in seconds
PER_SECOND = Unit("per s", more_is_better=True)
PER_CORE_SECOND = Unit("per s of a core", more_is_better=True)
MEGABITS_PER_SECOND = Unit("Mbit/s", factor=8 / 10**6, more_is_better=True)  # of bytes a second
KILOBYTES = Unit("KB", factor=1 / 1000)  # of series in bytes
MEGABYTES = Unit("MB", factor=1 / 2**20)  # of series in bytes
MEDIAN = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """Two series; the ratio of their medians, or of another percentile, is held to one of two limits,
    or only told.

    By pairs it is the median of the ratios of neighbours, for a machine that changes its own speed
    by more than what is looked for.
    """

    name: str
    measured: Sequence[float]
    compared_with: Sequence[float]
    unit: Unit = MILLISECONDS
    at_most: float | None = None
    at_least: float | None = None
    by_pairs: bool = False
    percentile: int = MEDIAN

    @property
    def ratio(self) -> float:
        if self.by_pairs:
            pairs = zip(self.measured, self.compared_with, strict=True)
            return median(one / other for one, other in pairs)
        return self._middle(self.measured) / self._middle(self.compared_with)

    @property
    def is_met(self) -> bool:
        if self.at_most is not None and self.ratio > self.at_most:
            return False
        return self.at_least is None or self.ratio >= self.at_least

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.ratio:.2f} ({self._verdict()}), "
            f"{self._measure} {self._shown(self.measured)} against "
            f"{self._shown(self.compared_with)}"
        )

    @property
    def _measure(self) -> str:
        return "median" if self.percentile == MEDIAN else f"p{self.percentile}"

    def _middle(self, series: Sequence[float]) -> float:
        """The median; else the least value that so many of a hundred do not exceed."""
        if self.percentile == MEDIAN:
            return median(series)
        return sorted(series)[ceil(len(series) * self.percentile / 100) - 1]

    def _verdict(self) -> str:
        limits = [
            f"{words} {limit:g}"
            for words, limit in (("at most", self.at_most), ("at least", self.at_least))
            if limit is not None
        ]
        if not limits:
            return "no limit"
        return f"{', '.join(limits)}: {'met' if self.is_met else 'NOT MET'}"

    def _shown(self, series: Sequence[float]) -> str:
        best = max(series) if self.unit.more_is_better else min(series)
        middle, best = self._middle(series) * self.unit.factor, best * self.unit.factor
        return f"{middle:.1f} {self.unit.name} (n={len(series)}, best {best:.1f})"
