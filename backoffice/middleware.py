"""Staff read times as the business keeps them, and one language."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation


def business_time_and_english_in_admin(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Shows the admin's times in `BUSINESS_TIME_ZONE`, and its words in English: ours are in no other
    language, and Django's would be beside them in the browser's. Everything else stays as it is.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return get_response(request)
        with timezone.override(ZoneInfo(settings.BUSINESS_TIME_ZONE)), translation.override("en"):
            return get_response(request)

    return middleware
