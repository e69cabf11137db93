"""People with phones, and what their phones received."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.sign_in import new_token
from notifications.models import Message

PASSWORD = "kitabu-cha-2026"
PHONE = "+255754123456"


def a_person(phone: str | None = PHONE, *, is_proved: bool = True, **fields: Any) -> User:
    return User.objects.create_user(
        fields.pop("email", f"person{User.objects.count()}@example.test"),
        PASSWORD,
        full_name=fields.pop("full_name", "Asha Juma"),
        phone=phone,
        phone_verified_at=timezone.now() if is_proved else None,
        **fields,
    )


def app_of(user: User) -> APIClient:
    """The app, signed in."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(user=user)}")
    return client


def received(phone: str = PHONE) -> list[str]:
    """The ids of the texts a phone got, oldest first."""
    return list(
        Message.objects.filter(to=phone).order_by("id").values_list("message_id", flat=True)
    )


def code_on(phone: str = PHONE) -> str:
    """The digits of the last code that a phone got."""
    message = Message.objects.filter(to=phone, message_id__startswith="code_").latest("id")
    return str(message.context["code"])


def another_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"
