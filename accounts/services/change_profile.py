"""Changes what a person may change about themselves."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError

from accounts.models import User
from accounts.services.register import refuse_taken
from common.transactions import retried


def change_profile(*, user: User, changes: Mapping[str, str]) -> User:
    """Set `full_name`, `email`, `phone` (E.164) or `language`. Raises AlreadyRegistered."""
    email = changes.get("email", user.email).lower()
    phone = changes.get("phone", user.phone)
    refuse_taken(email=email, phone=phone, but=user)
    try:
        return _save(user.pk, {**changes, "email": email})
    except IntegrityError:
        refuse_taken(email=email, phone=phone, but=user)  # somebody was faster
        raise


@retried
def _save(user_id: int, changes: Mapping[str, str]) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=list(changes))
    return user
