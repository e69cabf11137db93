"""The Idempotency-Key of a request that money goes out by."""

from __future__ import annotations

from rest_framework.request import Request

from payments.services.idempotency import check_key


def own_key(request: Request, of: str) -> str:
    """The key within `of`, which names deed and person; "" where the request has none.

    Raises InvalidIdempotencyKey.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    check_key(key)
    return f"{of}:{key}"
