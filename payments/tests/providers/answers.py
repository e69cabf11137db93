"""Answers and ends of calls, for what stands before the providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.providers.http import CallFailed, Exchange


def exchange(
    status: int = 200,
    json: dict[str, Any] | None = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Exchange:
    return Exchange(
        status=status,
        json=json,
        request={},
        response={"status": status, "body": json},
        body=body,
        headers=headers or {},
    )


OK = exchange(json={"ResponseCode": "0"})


def sends(*ends: Exchange | type[CallFailed]) -> Callable[[], Exchange]:
    """Ends one call after another in the given ways."""
    left = list(ends)

    def send() -> Exchange:
        end = left.pop(0)
        if isinstance(end, Exchange):
            return end
        raise end("as the test wants it", {})

    return send
