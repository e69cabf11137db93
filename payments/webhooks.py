"""Where providers call: store the delivery first, acknowledge it, process it later.

A question is stored first too; but it is decided at once, as the provider waits with its customer.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.queue import GatheredHurry
from common.source_address import Network, is_within, source_address
from common.transactions import brief_waits
from notifications.webhooks import receive_report, reporting_channel
from payments.models import WebhookDelivery
from payments.providers import registry
from payments.providers.base import (
    Acknowledgement,
    BillDecision,
    BillQuestion,
    MalformedCallback,
    Verdict,
)
from payments.providers.mpesa_openapi.callbacks import recognises
from payments.services.answer_bill import answer_bill, note_unread
from payments.services.keep_delivery import keep_delivery
from payments.tasks import apply_deliveries

logger = logging.getLogger(__name__)

BODY_BYTES_MAX = 64 * 1024
HEADERS_NOT_KEPT = frozenset({"Authorization", "Cookie"})
MPESA_DIALECTS = ("mpesa_openapi", "mpesa_daraja")
QUESTION_WAITS_SECONDS = 1  # for a lock; M-Pesa waits about 8 s for the whole answer (2.7)

hurry_delivery = GatheredHurry(apply_deliveries)

Trust = WebhookDelivery.Trust
Channel = WebhookDelivery.Channel


@csrf_exempt
@require_POST
def provider_webhook(
    request: HttpRequest,
    dialect: str,
    attempt_token: str = "",
    channel: Channel = Channel.CALLBACK,
) -> HttpResponse:
    """The design document's path of one provider, with the attempt's token where it has one."""
    return _receive(request, dialect, attempt_token, _trust_of(request, dialect), channel)


@csrf_exempt
@require_POST
def secret_webhook(
    request: HttpRequest,
    token: str,
    attempt_token: str = "",
    channel: Channel = Channel.CALLBACK,
    only: Sequence[str] = (),
) -> HttpResponse:
    """The path that only a provider can know. A wrong token is answered 404.

    `only` names the dialects that have such a path; none for a path that all have. The plain path is
    also that of the SMS providers' delivery reports.
    """
    reporting = None if attempt_token or only else reporting_channel(token)
    if reporting:
        return receive_report(reporting, _read_body(request))
    dialect = _dialect_of(token, only)
    return _receive(request, dialect, attempt_token, Trust.SECRET_PATH, channel)


@csrf_exempt
@require_POST
def provider_question(request: HttpRequest, dialect: str) -> HttpResponse:
    """Where a provider asks about a customer-initiated payment, beside its design document's path."""
    return _answer(request, dialect, _trust_of(request, dialect))


@csrf_exempt
@require_POST
def secret_question(
    request: HttpRequest, token: str, dialect: str, only: Sequence[str]
) -> HttpResponse:
    """The same under a secret path, which may be that of another dialect of the provider (`only`)."""
    _dialect_of(token, only)
    return _answer(request, dialect, Trust.SECRET_PATH)


def _receive(
    request: HttpRequest, dialect: str, attempt_token: str, trust: Trust, channel: Channel
) -> HttpResponse:
    """One INSERT in autocommit, then the answer: what is stored is acknowledged."""
    body = _read_body(request)
    spoken = _spoken(dialect, body)
    key = _store(request, spoken, trust, channel, body, attempt_token)
    if _is_too_large(body):
        return HttpResponse(status=413)
    hurry_delivery(key)
    if trust == Trust.QUARANTINED:
        return HttpResponse(status=403)
    return _answered(registry.by_dialect(spoken).acknowledge(body))


def _answer(request: HttpRequest, dialect: str, trust: Trust) -> HttpResponse:
    """Store the question, decide and commit, answer. What cannot be committed is to be asked again."""
    provider = registry.bill_asker(dialect)
    body = _read_body(request)
    question, trouble = _read_question(dialect, body, request)
    try:
        with brief_waits(QUESTION_WAITS_SECONDS):
            key = _store(request, dialect, trust, Channel.QUESTION, body)
            if _is_too_large(body):
                return HttpResponse(status=413)
            if trust == Trust.QUARANTINED:
                return HttpResponse(status=403)
            delivery = WebhookDelivery.objects.get(pk=key)
            if question is None:
                note_unread(delivery=delivery, trouble=trouble)
                decision = BillDecision(verdict=Verdict.NOT_UNDERSTOOD)
            else:
                decision = answer_bill(delivery=delivery, question=question)
    except (DatabaseError, InterfaceError):
        logger.exception("a question of %s could not be decided", dialect)
        decision = BillDecision(verdict=Verdict.ASK_AGAIN)
    return _answered(provider.answer_question(question, decision))


def _read_question(
    dialect: str, body: bytes, request: HttpRequest
) -> tuple[BillQuestion | None, str]:
    """The question, or what is wrong with it."""
    try:
        return registry.bill_asker(dialect).read_question(body, request.headers), ""
    except MalformedCallback as error:
        return None, str(error)


def _store(
    request: HttpRequest,
    dialect: str,
    trust: Trust,
    channel: Channel,
    body: bytes,
    attempt_token: str = "",
) -> int:
    """Returns the delivery's primary key."""
    is_question = channel == Channel.QUESTION
    refused = ""
    if _is_too_large(body):
        refused = "it is too large"
    elif is_question and trust == Trust.QUARANTINED:
        refused = "its source is outside the allow-list"
    return keep_delivery(
        dialect=dialect,
        channel=channel,
        source=source_address(request),
        trust=trust,
        attempt_token=attempt_token[:64],
        headers={k: v for k, v in request.headers.items() if k not in HEADERS_NOT_KEPT},
        body=body[:BODY_BYTES_MAX],
        body_bytes=max(len(body), _declared_length(request)),
        refused=refused,
        is_due=not (_is_too_large(body) or is_question),
    )


def _is_too_large(body: bytes) -> bool:
    return len(body) > BODY_BYTES_MAX


def _spoken(dialect: str, body: bytes) -> str:
    """The dialect of a body: M-Pesa's two share their paths."""
    if dialect not in MPESA_DIALECTS:
        return dialect
    return "mpesa_openapi" if recognises(body) else "mpesa_daraja"


def _read_body(request: HttpRequest) -> bytes:
    """At most one byte more than is allowed, also of a chunked body."""
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return bytes(request.META["wsgi.input"].read(BODY_BYTES_MAX + 1))
    return bytes(request.read(BODY_BYTES_MAX + 1))


def _declared_length(request: HttpRequest) -> int:
    declared = request.headers.get("Content-Length", "")
    return min(int(declared), 2**31 - 1) if declared.isascii() and declared.isdigit() else 0


def _trust_of(request: HttpRequest, dialect: str) -> Trust:
    return _trust_in(source_address(request), registry.callback_sources(dialect))


def _trust_in(source: str | None, allowed: Sequence[Network]) -> Trust:
    if not allowed:
        return Trust.OPEN
    return Trust.ALLOWED_SOURCE if is_within(source, allowed) else Trust.QUARANTINED


def _dialect_of(token: str, only: Sequence[str]) -> str:
    for known, dialect in settings.WEBHOOK_TOKENS.items():
        is_ours = secrets.compare_digest(token.encode(), known.encode())
        if is_ours and registry.is_known(dialect) and (not only or dialect in only):
            return str(dialect)
    raise Http404


def _answered(acknowledgement: Acknowledgement) -> HttpResponse:
    return HttpResponse(
        acknowledgement.body,
        status=acknowledgement.status,
        content_type=acknowledgement.content_type,
    )
