"""Idempotency-Key: a request that is repeated gets the first one's answer, and does nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from common.transactions import retried
from payments.errors import IdempotencyKeyReused, PaymentError, RequestInFlight
from payments.models import IdempotentRequest, Payment

KEY_LENGTH_MAX = 64
LEASE = timedelta(seconds=60)  # a request that died holds its key no longer
KEPT = timedelta(days=8)  # longer than a provider's answer can be late


class InvalidIdempotencyKey(PaymentError):
    code = "invalid_idempotency_key"


def fingerprint(body: Mapping[str, Any]) -> str:
    """SHA-256 of the body in canonical form, in hex."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def check_key(key: str) -> None:
    """Raises InvalidIdempotencyKey for what is no key."""
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidIdempotencyKey("The Idempotency-Key must be 1 to 64 printable characters.")


def claim_key(*, user: User, key: str, body: Mapping[str, Any]) -> IdempotentRequest:
    """Take the key for this request, or find what it led to (`payment` is set then).

    Committed at once. Raises InvalidIdempotencyKey, IdempotencyKeyReused for another body, and
    RequestInFlight while the first request is still at work.
    """
    check_key(key)
    digest = fingerprint(body)
    try:
        return _insert(user, key, digest)
    except IntegrityError:
        pass
    found = IdempotentRequest.objects.get(user=user, key=key)
    if found.fingerprint != digest:
        raise IdempotencyKeyReused("This Idempotency-Key was used for a different request.")
    if found.payment_id is not None:
        return found
    now = timezone.now()
    is_ours = IdempotentRequest.objects.filter(
        pk=found.pk, payment=None, started_at__lt=now - LEASE
    ).update(started_at=now)
    if not is_ours:
        raise RequestInFlight("The same request is being worked on. Ask again in two seconds.")
    return found


@retried
def _insert(user: User, key: str, digest: str) -> IdempotentRequest:
    return IdempotentRequest.objects.create(user=user, key=key, fingerprint=digest)


def keep_result(*, claimed: IdempotentRequest, payment: Payment) -> None:
    """Note what the request led to, inside the transaction that did the work."""
    IdempotentRequest.objects.filter(pk=claimed.pk).update(payment=payment)


def release_key(*, claimed: IdempotentRequest) -> None:
    """Forget a request that was refused and did nothing, so that it can be mended and sent again."""
    IdempotentRequest.objects.filter(pk=claimed.pk, payment=None).delete()


def forget_old_keys() -> int:
    """Delete keys that no repetition can ask for any more. Returns how many."""
    deleted, _ = IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted
