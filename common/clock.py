"""The business day: a day in Dar es Salaam, whatever zone the servers keep."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def start_of_business_day(moment: datetime) -> datetime:
    """The UTC time at which the business day of an aware time began."""
    local = moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def business_day(moment: datetime) -> date:
    """The business day of an aware time."""
    return moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()


def in_business_time(moment: datetime) -> str:
    """`24.11.2026 10:22 EAT`: as statements and the admin's pages have it, for texts that are kept."""
    return f"{moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)):%d.%m.%Y %H:%M %Z}"


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """When a business day begins and when the next one does, UTC."""
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    begins, ends = (
        datetime.combine(each, time(), zone).astimezone(UTC)
        for each in (day, day + timedelta(days=1))
    )
    return begins, ends
