"""Where providers call: store the delivery first, acknowledge it, process it later."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.queue import hurry
from common.source_address import Network, is_within, source_address
from payments.models import WebhookDelivery
from payments.providers import registry
from payments.providers.base import Acknowledgement
from payments.tasks import apply_delivery

BODY_BYTES_MAX = 64 * 1024
HEADERS_NOT_KEPT = frozenset({"Authorization", "Cookie"})

Trust = WebhookDelivery.Trust


@csrf_exempt
@require_POST
def provider_webhook(request: HttpRequest, dialect: str, attempt_token: str = "") -> HttpResponse:
    """The design document's path of one provider, with the attempt's token where it has one."""
    trust = _trust_in(source_address(request), registry.callback_sources(dialect))
    return _receive(request, dialect, attempt_token, trust)


@csrf_exempt
@require_POST
def secret_webhook(request: HttpRequest, token: str, attempt_token: str = "") -> HttpResponse:
    """The path that only a provider can know. A wrong token is answered 404."""
    dialect = _dialect_of(token)
    return _receive(request, dialect, attempt_token, Trust.SECRET_PATH)


def _receive(request: HttpRequest, dialect: str, attempt_token: str, trust: Trust) -> HttpResponse:
    """One INSERT in autocommit, then the answer: what is stored is acknowledged."""
    body = _read_body(request)
    is_too_large = len(body) > BODY_BYTES_MAX
    delivery = WebhookDelivery.objects.create(
        dialect=dialect,
        source=source_address(request),
        trust=trust,
        attempt_token=attempt_token[:64],
        headers={k: v for k, v in request.headers.items() if k not in HEADERS_NOT_KEPT},
        body=body[:BODY_BYTES_MAX],
        body_bytes=max(len(body), _declared_length(request)),
        state=(WebhookDelivery.State.REFUSED if is_too_large else WebhookDelivery.State.RECEIVED),
        next_try_at=None if is_too_large else timezone.now(),
    )
    if is_too_large:
        return HttpResponse(status=413)
    hurry(apply_delivery, delivery.pk)
    if trust == Trust.QUARANTINED:
        return HttpResponse(status=403)
    return _answered(registry.by_dialect(dialect).acknowledge(body))


def _read_body(request: HttpRequest) -> bytes:
    """At most one byte more than is allowed, also of a chunked body."""
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return bytes(request.META["wsgi.input"].read(BODY_BYTES_MAX + 1))
    return bytes(request.read(BODY_BYTES_MAX + 1))


def _declared_length(request: HttpRequest) -> int:
    declared = request.headers.get("Content-Length", "")
    return min(int(declared), 2**31 - 1) if declared.isascii() and declared.isdigit() else 0


def _trust_in(source: str | None, allowed: Sequence[Network]) -> Trust:
    if not allowed:
        return Trust.OPEN
    return Trust.ALLOWED_SOURCE if is_within(source, allowed) else Trust.QUARANTINED


def _dialect_of(token: str) -> str:
    for known, dialect in settings.WEBHOOK_TOKENS.items():
        is_ours = secrets.compare_digest(token.encode(), known.encode())
        if is_ours and registry.is_known(dialect):
            return str(dialect)
    raise Http404


def _answered(acknowledgement: Acknowledgement) -> HttpResponse:
    return HttpResponse(
        acknowledgement.body,
        status=acknowledgement.status,
        content_type=acknowledgement.content_type,
    )
