"""A measured ratio, its raw medians and its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """Two series of seconds; the ratio of their medians must not exceed the limit."""

    name: str
    measured: Sequence[float]
    compared_with: Sequence[float]
    limit: float

    @property
    def ratio(self) -> float:
        return median(self.measured) / median(self.compared_with)

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.limit

    def __str__(self) -> str:
        verdict = "met" if self.is_met else "NOT MET"
        return (
            f"{self.name}: {self.ratio:.2f} (at most {self.limit:g}: {verdict}), "
            f"median {_shown(self.measured)} against {_shown(self.compared_with)}"
        )


def _shown(series: Sequence[float]) -> str:
    return f"{median(series) * 1000:.1f} ms (n={len(series)}, best {min(series) * 1000:.1f})"
