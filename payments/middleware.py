"""Providers' calls pass by what is meant for people."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

WEBHOOKS = "/api/webhooks/"

View = Callable[[HttpRequest], HttpResponse]


def providers_first(get_response: View) -> View:
    """Gives a webhook its request at once, without session, language, CSRF or a redirect to TLS.

    The latter would lose a POST; the others take longer than the keeping of what arrived.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(WEBHOOKS):
            return get_response(request)
        path = request.path_info.removeprefix(WEBHOOKS)
        view, arguments, names = resolve(f"/{path}", urlconf="payments.webhook_urls")
        response: HttpResponse = view(request, *arguments, **names)
        response["Content-Length"] = str(len(response.content))
        return response

    return middleware
