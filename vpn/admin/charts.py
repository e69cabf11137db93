"""Traffic by day as unfold's chart draws it, with a table that says the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.sizes import in_words
from vpn.traffic import Day

MEGABYTE = 10**6


@dataclass(frozen=True, slots=True)
class Row:
    """A day in words."""

    day: date
    down: str
    up: str
    both: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`data` is Chart.js's, in megabytes, the oldest day first; `rows` have the newest first."""

    data: str
    rows: Sequence[Row]
    today: str
    total: str
    is_empty: bool


def chart(days: Sequence[Day]) -> Chart:
    total = sum(day.both for day in days)
    return Chart(
        data=json.dumps(
            {
                "labels": [f"{day.day:%d.%m.}" for day in days],
                "datasets": [
                    _bars("To customers", [day.down for day in days], "var(--color-primary-600)"),
                    _bars("From customers", [day.up for day in days], "var(--color-primary-300)"),
                ],
            }
        ),
        rows=[_row(day) for day in reversed(days) if day.both],
        today=in_words(days[-1].both),
        total=in_words(total),
        is_empty=total == 0,
    )


def _row(day: Day) -> Row:
    return Row(day.day, in_words(day.down), in_words(day.up), in_words(day.both))


def _bars(label: str, sizes: Sequence[int], colour: str) -> dict[str, object]:
    return {
        "label": label,
        "data": [round(size / MEGABYTE, 3) for size in sizes],
        "backgroundColor": colour,
        "displayYAxis": True,
        "suffixYAxis": "MB",
        "maxTicksXLimit": 10,
    }
