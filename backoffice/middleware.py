"""Staff read times as the business keeps them."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone


def business_time_in_admin(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Shows the admin's times in `BUSINESS_TIME_ZONE`; everything else stays in UTC."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return get_response(request)
        with timezone.override(ZoneInfo(settings.BUSINESS_TIME_ZONE)):
            return get_response(request)

    return middleware
