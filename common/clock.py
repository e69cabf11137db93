"""The business day: a day in Dar es Salaam, whatever zone the servers keep."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings


def start_of_business_day(moment: datetime) -> datetime:
    """The UTC time at which the business day of an aware time began."""
    local = moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def business_day(moment: datetime) -> date:
    """The business day of an aware time."""
    return moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()
