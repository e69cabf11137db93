"""A person's own phone: proved by a code or a payment, and changed."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone

from accounts.errors import AlreadyRegistered, NoPhone
from accounts.models import PhoneCode, User
from accounts.services.codes import send_code, send_none, use_code
from accounts.services.passwords import refuse_wrong_password
from accounts.services.write_to import write_to
from common.transactions import retried
from notifications.services import queue_message

Purpose = PhoneCode.Purpose


def ask_to_verify(*, user: User) -> None:
    """Send a code to the person's phone. Raises NoPhone and TooManyCodes."""
    if user.phone is None:
        raise NoPhone("Your account has no phone yet.")
    send_code(user=user, phone=user.phone, purpose=Purpose.VERIFY_PHONE)


def verify(*, user: User, digits: str) -> User:
    """The phone is proved to be theirs. Raises WrongCode, also when the phone is another since."""
    code = use_code(user=user, purpose=Purpose.VERIFY_PHONE, digits=digits)
    prove_phone(user_id=user.pk, phone=code.phone)
    user.refresh_from_db()
    return user


def prove_phone(*, user_id: int, phone: str) -> None:
    """Somebody holds the phone and acts for this account: it is theirs, if it is still its phone."""
    unproved = User.objects.filter(pk=user_id, phone=phone, phone_verified_at=None)
    unproved.update(phone_verified_at=timezone.now())


def ask_to_change(*, user: User, phone: str, password: str) -> None:
    """Send a code to the new phone (E.164). Raises WrongPassword and TooManyCodes.

    Whether another account has proved the phone is told to that phone alone.
    """
    refuse_wrong_password(user, password)
    if _holder(phone, but=user) is None:
        send_code(user=user, phone=phone, purpose=Purpose.CHANGE_PHONE)
        return
    send_none(user=user, phone=phone, purpose=Purpose.CHANGE_PHONE)
    _tell_holder(phone)


def change(*, user: User, digits: str) -> User:
    """Make the phone that the code went to the person's own: the old one is told, payouts wait.

    An account that had the number without a proof loses it. Raises WrongCode and AlreadyRegistered.
    """
    code = use_code(user=user, purpose=Purpose.CHANGE_PHONE, digits=digits)
    try:
        return _set_phone(user.pk, code)
    except IntegrityError as error:  # somebody was faster
        raise AlreadyRegistered("This phone has another account now.") from error


@retried
def _set_phone(user_id: int, code: PhoneCode) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    if _holder(code.phone, but=user):
        raise AlreadyRegistered("This phone has another account now.")
    User.objects.filter(phone=code.phone).exclude(pk=user.pk).update(phone=None)
    leave_phone(user)
    user.phone = code.phone
    user.phone_verified_at = timezone.now()
    user.save(update_fields=["phone", "phone_verified_at", "phone_changed_at"])
    return user


def leave_phone(user: User) -> None:
    """The phone will be another: tell the old one and the e-mail address, and let payouts wait; does
    not save.
    """
    user.phone_verified_at = None
    if user.phone is None:
        return
    user.phone_changed_at = timezone.now()
    key = f"phone_changed:{user.pk}:{user.phone_changed_at:%Y%m%d%H%M%S}"
    queue_message(
        message_id="phone_changed",
        to=user.phone,
        language=user.language,
        context={},
        key=key,
    )
    write_to(user=user, message_id="phone_changed", key=key)


def _holder(phone: str, *, but: User) -> User | None:
    """Who else has proved that the phone is theirs."""
    others = User.objects.filter(phone=phone, phone_verified_at__isnull=False)
    return others.exclude(pk=but.pk).first()


@retried
def _tell_holder(phone: str) -> None:
    """At most once a day, whoever asks."""
    holder = User.objects.get(phone=phone)
    queue_message(
        message_id="phone_has_account",
        to=phone,
        language=holder.language,
        context={},
        key=f"phone_has_account:{holder.pk}:{timezone.now():%Y%m%d}",
    )
