"""Makes an account."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.errors import AlreadyRegistered, WeakPassword
from accounts.models import User
from common.transactions import retried


def register(*, full_name: str, email: str, phone: str, password: str, role: str) -> User:
    """A new account; `phone` is E.164. Raises AlreadyRegistered and WeakPassword."""
    candidate = User(full_name=full_name, email=email.lower(), phone=phone, role=role)
    try:
        validate_password(password, candidate)
    except ValidationError as error:
        raise WeakPassword(error.messages[0], errors={"password": error.messages}) from error
    refuse_taken(email=email, phone=phone)
    try:
        return _create(full_name, email, phone, password, role)
    except IntegrityError:
        refuse_taken(email=email, phone=phone)  # somebody was faster
        raise


def refuse_taken(*, email: str, phone: str | None, but: User | None = None) -> None:
    """Raise AlreadyRegistered when another account has the e-mail address or the phone."""
    others = User.objects.all() if but is None else User.objects.exclude(pk=but.pk)
    errors = {}
    if others.filter(email=email.lower()).exists():
        errors["email"] = ["This e-mail address has an account already."]
    if phone and others.filter(phone=phone).exists():
        errors["phone"] = ["This phone has an account already."]
    if errors:
        raise AlreadyRegistered(next(iter(errors.values()))[0], errors=errors)


@retried
def _create(full_name: str, email: str, phone: str, password: str, role: str) -> User:
    return User.objects.create_user(email, password, full_name=full_name, phone=phone, role=role)
