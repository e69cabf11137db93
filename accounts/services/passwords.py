"""Passwords: checked, changed, and chosen anew with a code by SMS."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from knox.models import AuthToken

from accounts.errors import TooManyCodes, WeakPassword, WrongPassword
from accounts.models import PhoneCode, User
from accounts.services.codes import send_code, use_code
from accounts.services.steady import steady_time
from accounts.services.write_to import write_to
from common.transactions import retried


def refuse_weak_password(password: str, user: User) -> None:
    """Raise WeakPassword with every reason."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(error.messages[0], errors={"password": error.messages}) from error


def refuse_wrong_password(user: User, password: str) -> None:
    """Raise WrongPassword: what follows is for whoever knows it."""
    if not user.check_password(password):
        raise WrongPassword(
            "This is not your password.", errors={"password": ["This is not your password."]}
        )


def change_password(*, user: User, old: str, new: str, session: AuthToken) -> None:
    """Set a new password; every other session ends. Raises WrongPassword and WeakPassword."""
    refuse_wrong_password(user, old)
    refuse_weak_password(new, user)
    _set_password(user.pk, new, but=session)


def ask_to_reset(*, phone: str) -> None:
    """Send a code where the phone (E.164) is proved to be somebody's; nobody learns whether it is."""
    with steady_time():
        if user := _person_of(phone):
            with suppress(TooManyCodes):  # to say so would tell that the phone has an account
                send_code(user=user, phone=phone, purpose=PhoneCode.Purpose.RESET_PASSWORD)


def reset_password(*, phone: str, digits: str, new: str) -> User:
    """Set a new password; every session ends. Raises WrongCode and WeakPassword.

    A weak password leaves the code as it is.
    """
    user = _person_of(phone)
    refuse_weak_password(new, user or User(phone=phone))
    with steady_time():
        code = use_code(user=user, purpose=PhoneCode.Purpose.RESET_PASSWORD, digits=digits)
    _set_password(code.user_id, new)
    return User.objects.get(pk=code.user_id)


def _person_of(phone: str) -> User | None:
    """Whose phone it was proved to be: a number that was only typed may be a stranger's."""
    people = User.objects.filter(phone=phone, phone_verified_at__isnull=False, is_active=True)
    return people.filter(is_staff=False).first()


@retried
def _set_password(user_id: int, password: str, *, but: AuthToken | None = None) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    user.password = make_password(password)
    user.save(update_fields=["password"])
    write_to(
        user=user,
        message_id="password_changed",
        key=f"password_changed:{user.pk}:{timezone.now().isoformat()}",
    )
    tokens = AuthToken.objects.filter(user=user_id)
    (tokens.exclude(pk=but.pk) if but else tokens).delete()
