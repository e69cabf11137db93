"""Makes an account."""

from __future__ import annotations

from django.db import IntegrityError
from django.db.models import Q

from accounts.errors import AlreadyRegistered
from accounts.models import User
from accounts.services.passwords import refuse_weak_password
from common.transactions import retried


def register(*, full_name: str, email: str, phone: str, password: str, role: str) -> User:
    """A new account; `phone` is E.164. Raises AlreadyRegistered and WeakPassword."""
    refuse_weak_password(
        password, User(full_name=full_name, email=email.lower(), phone=phone, role=role)
    )
    refuse_taken(email=email, phone=phone)
    try:
        return _create(full_name, email, phone, password, role)
    except IntegrityError:
        refuse_taken(email=email, phone=phone)  # somebody was faster
        raise


def refuse_taken(*, email: str, phone: str | None, but: User | None = None) -> None:
    """Raise AlreadyRegistered when another account has the e-mail address or the phone.

    It does not say which of the two: nobody finds out who has an account.
    """
    others = User.objects.all() if but is None else User.objects.exclude(pk=but.pk)
    has_phone = Q(phone=phone) if phone else Q()
    if others.filter(Q(email=email.lower()) | has_phone).exists():
        raise AlreadyRegistered(
            "This e-mail address or phone cannot be used. If you have an account, sign in to it, "
            "or choose a new password."
        )


@retried
def _create(full_name: str, email: str, phone: str, password: str, role: str) -> User:
    return User.objects.create_user(email, password, full_name=full_name, phone=phone, role=role)
