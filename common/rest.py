"""The contract's pages, and the one way from a failure to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import exceptions, serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from common import phone as phones
from common.envelope import Reply as Reply
from common.errors import DomainError

ITEMS_PER_PAGE = 20
ITEMS_PER_PAGE_MAX = 100

CODES: dict[type[exceptions.APIException], tuple[str, str]] = {
    exceptions.ParseError: ("malformed_json", _("The request is not valid JSON.")),
    exceptions.NotAuthenticated: ("not_authenticated", _("Please sign in.")),
    exceptions.AuthenticationFailed: ("not_authenticated", _("Please sign in again.")),
    exceptions.PermissionDenied: ("permission_denied", _("You may not do this.")),
    exceptions.NotFound: ("not_found", _("There is nothing here.")),
    exceptions.MethodNotAllowed: ("method_not_allowed", _("This cannot be done here.")),
    exceptions.NotAcceptable: ("not_acceptable", _("Only JSON is offered.")),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", _("Send JSON.")),
    exceptions.Throttled: ("too_many_requests", _("Too many requests. Try again later.")),
}


def error_body(message: str, code: str, errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The contract's error shape."""
    return {"success": False, "message": message, "code": code, "errors": dict(errors or {})}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Every expected failure as the contract's error; anything else is left to the 500 handler."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, DomainError):
        set_rollback()
        body = error_body(gettext(str(error)), error.code, _flat(error.errors))
        response = Response(body, status=error.status)
        if seconds := getattr(error, "retry_after_seconds", None):
            response["Retry-After"] = str(seconds)
        return response
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    return _from_framework(error)


def _from_framework(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        errors = _flat(error.detail)
        first = next((sentences[0] for sentences in errors.values() if sentences), "")
        message = first or gettext("Please check what you entered.")
        body = error_body(message, "validation_error", errors)
        return Response(body, status=error.status_code)
    code, message = CODES.get(type(error), (str(error.default_code), str(error.detail)))
    response = Response(error_body(gettext(message), code), status=error.status_code)
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _flat(detail: Any) -> dict[str, list[str]]:
    """DRF's nested details as lists of sentences by field, in the reader's language."""
    if isinstance(detail, Mapping):
        return {str(field): _sentences(value) for field, value in detail.items()}
    return {"non_field_errors": _sentences(detail)}


def _sentences(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [sentence for item in value.values() for sentence in _sentences(item)]
    if isinstance(value, list | tuple):
        return [sentence for item in value for sentence in _sentences(item)]
    return [gettext(str(value))]


class PhoneField(serializers.CharField):
    """A Tanzanian mobile number in any usual form; E.164 from then on."""

    def to_internal_value(self, data: Any) -> str:
        """Raises InvalidPhoneNumber, which names the field, and ValidationError."""
        try:
            return phones.parse(super().to_internal_value(data))
        except phones.InvalidPhoneNumber as error:
            sentence = str(error)
            raise phones.InvalidPhoneNumber(
                sentence, errors={str(self.field_name): [sentence]}
            ) from error


class Pages(BasePagination):
    """`?page=` and `?limit=`; the page after the last is empty.

    Views give `get_paginated_response` the data with a `message` beside the resource.
    """

    def __init__(self, page: int = 1, limit: int = ITEMS_PER_PAGE) -> None:
        self.page = page
        self.limit = limit
        self.total = 0

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Raises ValidationError for numbers that are none."""
        self.page, self.limit = page_asked(request.query_params)
        return self.cut(queryset)

    def cut(self, queryset: Any) -> list[Any]:
        """This page's rows; notes how many there are in all."""
        self.total = queryset.count()
        start = (self.page - 1) * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        body = dict(data)
        message = body.pop("message", "OK")
        return Reply({**body, "pagination": self.pagination}, message=message)

    @property
    def pagination(self) -> dict[str, int]:
        return {
            "current_page": self.page,
            "total_pages": -(-self.total // self.limit),
            "total_items": self.total,
            "items_per_page": self.limit,
        }


class PaginationSerializer(serializers.Serializer[Any]):
    current_page = serializers.IntegerField()
    total_pages = serializers.IntegerField()
    total_items = serializers.IntegerField()
    items_per_page = serializers.IntegerField()


@extend_schema_serializer(many=False)
class PageSerializer(serializers.Serializer[Any]):
    """What a list of pages is described by, beside its resource."""

    pagination = PaginationSerializer()


def page_asked(query: QueryDict) -> tuple[int, int]:
    """Which page, and how many items it has at most. Raises ValidationError."""
    page = _number(query, "page", 1, 10**9)
    return page, min(_number(query, "limit", ITEMS_PER_PAGE, 10**9), ITEMS_PER_PAGE_MAX)


def _number(query: QueryDict, name: str, default: int, most: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
        raise exceptions.ValidationError({name: [_("Enter a whole number from 1 up.")]})
    return int(text)


def attachment(content: str | bytes, *, kind: str, name: str) -> HttpResponse:
    """A file for whoever asked, which nothing on the way keeps or takes for something else."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=kind, headers=headers)


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _outside_rest(request, 400, "bad_request", _("The request cannot be understood."))


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _outside_rest(request, 403, "permission_denied", "You may not do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page that was open since before signing in, or a browser that takes no cookies."""
    message = _(
        "Nothing was sent: this page had become too old. Go back, load it again, then send."
    )
    return _outside_rest(request, 403, "csrf_failed", message)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _outside_rest(request, 404, "not_found", "There is nothing here.")


def handler500(request: HttpRequest) -> HttpResponse:
    message = _("Something went wrong on our side. Please try again.")
    return _outside_rest(request, 500, "internal_error", message)


def _outside_rest(request: HttpRequest, code_number: int, code: str, message: str) -> HttpResponse:
    """Django's own failures: JSON for the API and the agents, a page for people."""
    with translation.override(translation.get_language_from_request(request)):
        message = gettext(message)
        if request.path.startswith(("/api/", "/agent/")):
            return JsonResponse(error_body(message, code), status=code_number)
        context = {"status": code_number, "message": message}
        return render(request, "error.html", context, status=code_number)
