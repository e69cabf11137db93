"""What the app asks for most passes by what is meant for people."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ValidationError

from accounts.api.authentication import digest_of_bearer, live_token
from bundles.api.catalogue import page_on_sale
from bundles.api.purchases import STATUS_MESSAGE
from bundles.api.serializers import shown_payment
from bundles.selectors import polled_payment
from common.envelope import success

CATALOGUE = "/api/bundles"
STATUS = "/api/payments/status/"
JSON = "application/json"

View = Callable[[HttpRequest], HttpResponse]


def app_first(get_response: View) -> View:
    """Answers the catalogue's list and a payment's status, which is polled every few seconds.

    Only what succeeds is answered here. All else goes the usual way to the same views, where it is
    refused in its reader's language.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        answer = _answer(request) if request.method == "GET" and _takes_json(request) else None
        if answer is None:
            return get_response(request)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if answer.content:
            answer.headers["Content-Length"] = str(len(answer.content))
        return answer

    return middleware


def _takes_json(request: HttpRequest) -> bool:
    accepted = request.META.get("HTTP_ACCEPT", "*/*")
    return "*/*" in accepted or JSON in accepted


def _answer(request: HttpRequest) -> HttpResponse | None:
    if request.path_info == CATALOGUE:
        return _catalogue(request)
    if request.path_info.startswith(STATUS):
        return _status(request, request.path_info.removeprefix(STATUS))
    return None


def _catalogue(request: HttpRequest) -> HttpResponse | None:
    """For whoever is signed in too, as long as the token is good: the app asks whether it is."""
    if "HTTP_AUTHORIZATION" in request.META and not live_token(digest_of_bearer(request)):
        return None
    try:
        return page_on_sale(request)
    except ValidationError:
        return None


def _status(request: HttpRequest, name: str) -> HttpResponse | None:
    payment = polled_payment(digest=digest_of_bearer(request), name=name)
    if payment is None:
        return None
    body = success(shown_payment(payment), message=STATUS_MESSAGE)
    return HttpResponse(body, content_type=JSON)
