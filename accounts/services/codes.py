"""Codes by SMS: proof that a phone is in somebody's hand.

Six digits, five minutes, five tries, at most three an hour and ten a day to one phone
(reliability.md, sections 4.1 and 5).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.errors import TooManyCodes, WrongCode
from accounts.models import PhoneCode, User
from common.transactions import retried
from notifications.services import queue_message

LIVES = timedelta(minutes=5)
TRIES_MAX = 5
SENT_MAX = ((timedelta(hours=1), 3), (timedelta(days=1), 10))
KEPT_FOR = timedelta(days=7)


@retried
def send_code(*, user: User, phone: str, purpose: str) -> None:
    """Send a new code to a phone (E.164); an earlier one for the same purpose is void.

    Raises TooManyCodes.
    """
    now = timezone.now()
    _make_way(user, phone, purpose, now)
    digits = f"{secrets.randbelow(10**6):06}"
    code = PhoneCode.objects.create(
        user=user,
        phone=phone,
        purpose=purpose,
        digest=_digest(user, purpose, digits),
        created_at=now,
        expires_at=now + LIVES,
    )
    queue_message(
        message_id=f"code_{purpose}",
        to=phone,
        language=user.language,
        context={"code": digits},
        key=f"phone_code:{code.pk}",
    )


@retried
def send_none(*, user: User, phone: str, purpose: str) -> None:
    """All that whoever asks for a code can notice, without one: earlier ones are void, and it counts.

    Raises TooManyCodes.
    """
    now = timezone.now()
    _make_way(user, phone, purpose, now)
    PhoneCode.objects.create(
        user=user, phone=phone, purpose=purpose, created_at=now, expires_at=now
    )


def use_code(*, user: User | None, purpose: str, digits: str) -> PhoneCode:
    """The live code that these digits are; it cannot be used again.

    Raises WrongCode, which says the same of a wrong, used and old code, and of nobody's.
    """
    code = _live(user, purpose) if user else None
    if code is None or not _is_right(code, digits):
        raise WrongCode("This code is wrong or too old. Ask for a new one.")
    return code


@retried
def forget_old_codes() -> int:
    """Delete codes that nobody can ask about any more. Returns how many."""
    return PhoneCode.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _make_way(user: User, phone: str, purpose: str, now: datetime) -> None:
    """For a new code, inside the caller's transaction. Raises TooManyCodes."""
    User.objects.select_for_update().get(pk=user.pk)
    _refuse_flood(phone)
    PhoneCode.objects.filter(user=user, purpose=purpose, used_at=None).update(expires_at=now)


def _refuse_flood(phone: str) -> None:
    """The lock on the person's row makes it exact for one person."""
    for span, most in SENT_MAX:
        since = timezone.now() - span
        if PhoneCode.objects.filter(phone=phone, created_at__gt=since).count() >= most:
            raise TooManyCodes("Too many codes were sent to this phone. Try again later.")


def _live(user: User, purpose: str) -> PhoneCode | None:
    return PhoneCode.objects.filter(
        user=user,
        purpose=purpose,
        used_at=None,
        expires_at__gt=timezone.now(),
        wrong_tries__lt=TRIES_MAX,
    ).last()


def _is_right(code: PhoneCode, digits: str) -> bool:
    """Each try is counted before it is looked at: guessing at once from many places gains nothing."""
    return _count_try(code) and _spend(code, digits)


@retried
def _count_try(code: PhoneCode) -> bool:
    tried = PhoneCode.objects.filter(pk=code.pk, used_at=None, wrong_tries__lt=TRIES_MAX)
    return bool(tried.update(wrong_tries=F("wrong_tries") + 1))


@retried
def _spend(code: PhoneCode, digits: str) -> bool:
    if not constant_time_compare(code.digest, _digest(code.user, code.purpose, digits)):
        return False
    unused = PhoneCode.objects.filter(pk=code.pk, used_at=None)
    return bool(unused.update(used_at=timezone.now(), wrong_tries=F("wrong_tries") - 1))


def _digest(user: User, purpose: str, digits: str) -> str:
    keyed = salted_hmac("accounts.codes", f"{user.pk}|{purpose}|{digits}", algorithm="sha256")
    return keyed.hexdigest()
