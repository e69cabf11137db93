"""Writes to a person's e-mail address: what should be read also where the phone is lost or another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from notifications.services import queue_message


def write_to(
    *, user: User, message_id: str, key: str, context: Mapping[str, Any] | None = None
) -> None:
    """Put an e-mail into the outbox, inside the caller's transaction; the same key again does nothing.

    A deleted account has no address to write to.
    """
    if user.deleted_at is None:
        queue_message(
            message_id=message_id,
            to=user.email,
            language=user.language,
            context=context or {},
            key=f"{key}:email",
        )
