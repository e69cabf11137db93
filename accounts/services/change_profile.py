"""Changes what a person may change about themselves."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError
from django.utils import timezone

from accounts.errors import PhoneIsProved
from accounts.models import User
from accounts.services.own_phone import leave_phone
from accounts.services.register import refuse_taken
from accounts.services.write_to import write_to
from common.transactions import retried


def change_profile(*, user: User, changes: Mapping[str, str]) -> User:
    """Set `full_name`, `email`, `phone` (E.164) or `language`. The address it had is told of another.

    Raises AlreadyRegistered, and PhoneIsProved when the phone would have to be changed by a code.
    """
    if "phone" in changes and changes["phone"] != user.phone and user.phone_verified_at:
        raise PhoneIsProved("To change your phone, confirm the new one with a code.")
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
    if changes.get("phone", user.phone) != user.phone:
        leave_phone(user)
    if changes["email"] != user.email:
        write_to(
            user=user,
            message_id="email_changed",
            key=f"email_changed:{user.pk}:{timezone.now().isoformat()}",
        )
    for name, value in changes.items():
        setattr(user, name, value)
    user.save(update_fields=[*changes, "phone_verified_at", "phone_changed_at"])
    return user
