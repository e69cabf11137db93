"""When to ask a provider about a collection again: one plan for all dialects. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

PLAN = (
    timedelta(seconds=15),
    timedelta(seconds=30),
    timedelta(seconds=60),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    *(timedelta(days=day) for day in range(1, 8)),
)
NOT_FOUND_APART = timedelta(minutes=15)
# A told failure is asked about once more after this: no prompt is open then, and a charge that came
# after the provider's own time-out has happened.
SECOND_LOOK_AFTER = timedelta(minutes=15)


def next_check(*, posted_at: datetime, now: datetime, first_query_seconds: int) -> datetime | None:
    """The next time of the plan, counted from the posting; None once its last day has passed."""
    first = timedelta(seconds=first_query_seconds)
    times = sorted({first, *(step for step in PLAN if step >= first)})
    return next((posted_at + step for step in times if posted_at + step > now), None)
