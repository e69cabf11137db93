"""Traffic by day as unfold's chart draws it, with a table that says the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.sizes import in_words
from vpn.traffic import Day

MEGABYTE, GIGABYTE = 10**6, 10**9

DARK, LIGHT = "var(--color-primary-600)", "var(--color-primary-300)"


@dataclass(frozen=True, slots=True)
class Row:
    """A day in words."""

    day: date
    down: str
    up: str
    both: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`data` is Chart.js's, the oldest day first; `rows` have the newest first."""

    data: str
    rows: Sequence[Row]
    today: str
    total: str
    is_empty: bool


def chart(days: Sequence[Day]) -> Chart:
    total, most = sum(day.both for day in days), max(day.both for day in days)
    unit = (GIGABYTE, "GB") if most >= GIGABYTE else (MEGABYTE, "MB")
    return Chart(
        data=json.dumps(
            {
                "labels": [f"{day.day:%d.%m.}" for day in days],
                "datasets": [
                    _bars("To customers", [day.down for day in days], unit, DARK),
                    _bars("From customers", [day.up for day in days], unit, LIGHT),
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


def _bars(
    label: str, sizes: Sequence[int], unit: tuple[int, str], colour: str
) -> dict[str, object]:
    size, name = unit
    return {
        "label": label,
        "data": [round(each / size, 3) for each in sizes],
        "backgroundColor": colour,
        "displayYAxis": True,
        "suffixYAxis": name,
        "stack": "both ways",
        "barThickness": 7,
        "maxTicksXLimit": 10,
    }
