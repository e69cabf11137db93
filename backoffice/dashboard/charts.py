"""The charts: each a table of plain cells, of which some columns are drawn and all are the CSV."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from django.utils import timezone

from backoffice.dashboard.sums import Sums
from backoffice.rollups.days import AGES, OLDEST
from backoffice.rollups.sales import EDGES, OVER
from backoffice.rollups.tables import Measure
from cases.models import CaseKind
from payments.models import Bucket, Payment
from payments.providers import registry
from payments.providers.breaker import BreakerState
from vpn.gateway_health import GatewayHealth, with_health
from vpn.models import Gateway

Cell = str | int | None

PROVIDERS = dict(Payment.METHODS)
MEGABYTE = 10**6
# Told apart on white and on the dark page, 3:1 at least; `dashboard.css` has the same.
TICKS = "#7b8794"
COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#64748b")
NOT_TO_BE_MATCHED = (Bucket.OWN_MOVEMENT, Bucket.EVIDENCE)


@dataclass(frozen=True, slots=True)
class Chart:
    """`drawn` names the columns that become lines or bars; without any there is the table alone."""

    key: str
    title: str
    says: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    drawn: Sequence[str] = ()
    kind: Literal["line", "bar"] = "line"
    unit: str = ""
    is_stacked: bool = False
    empty: str = "Nothing in this time."

    @property
    def is_empty(self) -> bool:
        """Whether there is no figure but zeros."""
        return not any(cell for row in self.rows for cell in row[1:])

    @property
    def data(self) -> str:
        """Chart.js's."""
        return json.dumps(
            {
                "labels": [row[0] for row in self.rows],
                "datasets": [
                    self._series(name, colour)
                    for name, colour in zip(self.drawn, COLOURS, strict=False)
                ],
            }
        )

    @property
    def options(self) -> str:
        """Chart.js's; unfold's own would begin an axis anywhere and draw bars over one another."""
        ticks = {"color": TICKS}
        unit = {"display": bool(self.unit), "text": self.unit, "color": TICKS}
        return json.dumps(
            {
                "animation": False,
                "maintainAspectRatio": False,
                "plugins": {"legend": {"display": False}},
                "scales": {
                    "x": {
                        "stacked": self.is_stacked,
                        "grid": {"display": False},
                        "ticks": {**ticks, "maxTicksLimit": 12},
                    },
                    "y": {
                        "stacked": self.is_stacked,
                        "beginAtZero": True,
                        "grid": {},
                        "ticks": {**ticks, "precision": 0},
                        "title": unit,
                    },
                },
            }
        )

    def _series(self, name: str, colour: str) -> dict[str, object]:
        column = self.header.index(name)
        data = [row[column] if isinstance(row[column], int) else None for row in self.rows]
        is_alone = len(data) - data.count(None) == 1  # a line of one point would show nothing
        return {
            "label": name,
            "data": data,
            "backgroundColor": colour,
            "borderColor": colour,
            "borderWidth": 2 if self.kind == "line" else 0,
            "pointRadius": 4 if is_alone else 0,
            "spanGaps": True,
            "maxBarThickness": 48,
        }


def success(sums: Sums) -> Chart:
    hours = sums.by_hour
    names = _in_order(provider for _, provider in hours)
    rows = []
    for hour in range(24):
        row: list[Cell] = [f"{hour:02}:00"]
        for provider in names:
            begun, completed = hours.get((hour, provider), (0, 0))
            row += [begun, completed, _percent(completed, begun)]
        rows.append(row)
    shown = [PROVIDERS[name] for name in names]
    columns = [(f"{name} begun", f"{name} completed", f"{name} %") for name in shown]
    return Chart(
        key="success",
        title="Success by hour of the day",
        says="Of the payments begun in the hour, how many per cent were completed so far.",
        header=["Hour", *(each for three in columns for each in three)],
        rows=rows,
        drawn=[percent for *_, percent in columns],
        unit="%",
    )


def times(sums: Sums) -> Chart:
    header = ["Day", "Prompt to paid, half", "Prompt to paid, 95 %", "Paid to active, half"]
    header.append("Paid to active, 95 %")
    rows = [
        [
            f"{day:%d.%m.%Y}",
            *(
                _percentile(sums.times.get((day, measure), Counter()), share)
                for measure in (Measure.TO_PAID, Measure.TO_ACTIVE)
                for share in (50, 95)
            ),
        ]
        for day in sums.by_day
    ]
    return Chart(
        key="times",
        title="Seconds from prompt to paid to active",
        says="Half of the payments, and 95 of 100, took at most so many seconds.",
        header=header,
        rows=rows,
        drawn=header[1:],
        unit="s",
    )


def failures(sums: Sums) -> Chart:
    found = sums.failures
    names = _in_order({provider for counts in found.values() for provider in counts})
    most_first = sorted(found.items(), key=lambda each: (-each[1].total(), each[0]))
    shown = [PROVIDERS[name] for name in names]
    return Chart(
        key="failures",
        title="Failures by reason",
        says="Payments that failed, by what the provider said.",
        header=["Reason", *shown, "All"],
        rows=[
            [
                (reason or "none given").replace("_", " "),
                *(counts[name] for name in names),
                counts.total(),
            ]
            for reason, counts in most_first
        ],
        drawn=shown,
        kind="bar",
        is_stacked=True,
    )


STEPS = {
    "begun": "Opened",
    "prompted": "Prompted",
    "completed": "Paid",
    "activated": "Active",
    "connected": "Connected",
}


def funnel(sums: Sums) -> Chart:
    totals = {step: sum(day[step] for day in sums.by_day.values()) for step in STEPS}
    return Chart(
        key="funnel",
        title="Where people stop",
        says="Payments that came so far. What is paid by the provider's menu or from credit is "
        "prompted for by nobody.",
        header=["Step", "Payments", "% of opened"],
        rows=[
            [name, totals[step], _percent(totals[step], totals["begun"])]
            for step, name in STEPS.items()
        ],
        drawn=["Payments"],
        kind="bar",
    )


def preference(sums: Sums) -> Chart:
    found = sums.by_provider
    begun = sum(totals["begun"] for totals in found.values())
    return Chart(
        key="preference",
        title="What people pay with",
        says="Payments begun, and what became of them.",
        header=[
            "Provider",
            "Begun",
            "% of all",
            "Completed",
            "% completed",
            "Late",
            "Failed",
            "Expired",
            "Paid, TZS",
        ],
        rows=[
            [
                PROVIDERS[name],
                found[name]["begun"],
                _percent(found[name]["begun"], begun),
                found[name]["completed"],
                _percent(found[name]["completed"], found[name]["begun"]),
                *(found[name][each] for each in ("late", "failed", "expired", "paid")),
            ]
            for name in _in_order(found)
        ],
        drawn=["Begun", "Completed"],
        kind="bar",
    )


def money(sums: Sums) -> Chart:
    return Chart(
        key="money",
        title="Money of the day's payments",
        says="What phones were asked for and paid, and what of it became credit, was refunded or "
        "taken back since. A refund counts on the day of its payment.",
        header=[
            "Day",
            "Asked, TZS",
            "Paid, TZS",
            "Credited, TZS",
            "Refunded, TZS",
            "Reversed, TZS",
        ],
        rows=[
            [
                f"{day:%d.%m.%Y}",
                *(of[name] for name in ("asked", "paid", "credited", "refunded", "reversed")),
            ]
            for day, of in sums.by_day.items()
        ],
        drawn=["Paid, TZS", "Credited, TZS", "Refunded, TZS", "Reversed, TZS"],
        unit="TZS",
    )


def shares(sums: Sums) -> Chart:
    of = (Measure.SHARE, Measure.COMMISSION, Measure.TAX)
    header = ["Day", "Owners' share, TZS", "Commission, TZS", "Tax, TZS"]
    return Chart(
        key="shares",
        title="Owners' share and commission",
        says="How the prices of what was activated on the day are shared out, less what went back "
        "on it; of all providers.",
        header=header,
        rows=[
            [
                f"{day:%d.%m.%Y}",
                *(sums.service.get((day, measure), (0, 0))[1] for measure in of),
            ]
            for day in sums.chosen.days
        ],
        drawn=header[1:],
        unit="TZS",
    )


def earnings(sums: Sums) -> Chart:
    header = ["Day", "Held, TZS", "Payable, TZS", "Paid out, TZS"]
    return Chart(
        key="earnings",
        title="Owners' earnings",
        says="At the end of the day: held until delivered, and payable; and what reached phones on "
        "it. Of all providers and bundles.",
        header=header,
        rows=[[f"{day:%d.%m.%Y}", *amounts] for day, amounts in sums.owed.items()],
        drawn=header[1:],
        unit="TZS",
    )


def credit(sums: Sums) -> Chart:
    return Chart(
        key="credit",
        title="Customers' credit",
        says="What we owed to customers at the end of the day, of all providers, owners and "
        "bundles.",
        header=["Day", "TZS"],
        rows=[[f"{day:%d.%m.%Y}", amount] for (day, _), (_, amount) in sorted(sums.credit.items())],
        drawn=["TZS"],
        unit="TZS",
    )


def matching(sums: Sums) -> Chart:
    rows: list[list[Cell]] = []
    for day, found in groupby(sorted(sums.lines.items()), lambda each: each[0][0]):
        of = {bucket: counts for (_, bucket), counts in found if bucket not in NOT_TO_BE_MATCHED}
        lines = sum(count for count, _ in of.values())
        matched, _ = of.get(Bucket.MATCHED, (0, 0))
        open_amount = sum(amount for name, (_, amount) in of.items() if name != Bucket.MATCHED)
        shown = f"{day:%d.%m.%Y}"
        rows.append([shown, lines, matched, _percent(matched, lines), open_amount])
    return Chart(
        key="matching",
        title="Statement lines matched",
        says="Of the lines that are to be matched, by the day of the line; of all owners "
        "and bundles.",
        header=["Day", "Lines", "Matched", "% matched", "Not matched, TZS"],
        rows=rows,
        drawn=["% matched"],
        unit="%",
        empty="No statement has lines of this time.",
    )


def exceptions(sums: Sums) -> Chart:
    last, found = sums.cases
    ages = [*(name for name, _ in AGES), OLDEST]
    kinds = [kind for kind in CaseKind if any(of == kind for of, _ in found)]
    rows: list[list[Cell]] = [
        [
            kind.label,
            *(found.get((kind, age), (0, 0))[0] for age in ages),
            sum(amount for (of, _), (_, amount) in found.items() if of == kind),
        ]
        for kind in kinds
    ]
    return Chart(
        key="exceptions",
        title="Open cases by kind and age",
        says=f"At the end of {last:%d.%m.%Y}, or as last counted; of all providers, "
        "owners and bundles.",
        header=["Kind", *ages, "At stake, TZS"],
        rows=rows,
        drawn=ages,
        kind="bar",
        is_stacked=True,
        empty=_no_case(sums),
    )


def _no_case(sums: Sums) -> str:
    return "No case was open." if sums.credit else "Not counted yet: a job does it each half hour."


def stake(sums: Sums) -> Chart:
    return Chart(
        key="stake",
        title="Cash in open cases",
        says="At the end of each day, by the amounts that the cases have now; of all providers, "
        "owners and bundles.",
        header=["Day", "Open cases", "At stake, TZS"],
        rows=[
            [f"{day:%d.%m.%Y}", count, amount]
            for (day, _), (count, amount) in sorted(sums.stake.items())
        ],
        drawn=["At stake, TZS"],
        unit="TZS",
        empty=_no_case(sums),
    )


def subscriptions(sums: Sums) -> Chart:
    return Chart(
        key="subscriptions",
        title="Subscriptions",
        says="Those that payments of the day began, and all that could be used on it; the latter of "
        "all providers.",
        header=["Day", "Begun", "Active"],
        rows=[
            [
                f"{day:%d.%m.%Y}",
                totals["subscriptions"],
                sums.service.get((day, Measure.ACTIVE), (0, 0))[0],
            ]
            for day, totals in sums.by_day.items()
        ],
        drawn=["Begun", "Active"],
    )


def traffic(sums: Sums) -> Chart:
    return Chart(
        key="traffic",
        title="Data sold and used",
        says="What the day's activations allow, and what passed on it; of all providers.",
        header=["Day", "Sold, MB", "Used, MB"],
        rows=[
            [
                f"{day:%d.%m.%Y}",
                *(
                    round(sums.service.get((day, measure), (0, 0))[1] / MEGABYTE)
                    for measure in (Measure.SOLD, Measure.USED)
                ),
            ]
            for day in sums.chosen.days
        ],
        drawn=["Sold, MB", "Used, MB"],
        unit="MB",
    )


def gateways(sums: Sums) -> Chart:
    now = timezone.now()
    return Chart(
        key="gateways",
        title="Gateways now",
        says="Whatever is chosen above.",
        header=["Gateway", "State", "Health", "Devices", "Room for", "Last heard"],
        rows=[
            [
                gateway.name,
                gateway.get_state_display(),
                str(GatewayHealth(gateway.health).label),  # type: ignore[attr-defined]  # annotated
                gateway.peers_served,
                gateway.capacity,
                f"{timezone.localtime(gateway.seen_at):%d.%m.%Y %H:%M:%S}"
                if gateway.seen_at
                else "never",
            ]
            for gateway in with_health(Gateway.objects.order_by("name"), now)
        ],
        empty="There is no gateway.",
    )


BREAKER = {
    BreakerState.CLOSED: "In order, as far as is known",
    BreakerState.OPEN: "Out of order: answers nobody",
    BreakerState.HALF_OPEN: "Being tried again",
}


def providers(sums: Sums) -> Chart:
    return Chart(
        key="providers",
        title="Providers now",
        says="Whatever is chosen above.",
        header=["Dialect", "Provider", "Set up", "State"],
        rows=[
            [
                dialect.name,
                dialect.provider.label,
                "yes" if registry.is_enabled(dialect) else "no",
                BREAKER[registry.gate(dialect.name).state],
            ]
            for dialect in registry.DIALECTS
        ],
    )


CHARTS: dict[str, Callable[[Sums], Chart]] = {
    each.__name__: each
    for each in (
        success,
        times,
        failures,
        funnel,
        preference,
        money,
        shares,
        earnings,
        credit,
        matching,
        exceptions,
        stake,
        subscriptions,
        traffic,
        gateways,
        providers,
    )
}


def _in_order(names: Iterable[str]) -> list[str]:
    """Each once, as the settings order them."""
    return sorted(set(names), key=list(PROVIDERS).index)


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def _percentile(counts: Counter[str], share: int) -> Cell:
    """The least edge that so many of a hundred do not exceed; None of nothing."""
    wanted = -(-counts.total() * share // 100)
    if not wanted:
        return None
    within = 0
    for edge in EDGES:
        within += counts[str(edge)]
        if within >= wanted:
            return edge
    return f"{OVER} {EDGES[-1]}"
