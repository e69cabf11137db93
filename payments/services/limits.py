"""How often a phone may be prompted and an account may pay, exactly: decided under row locks."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common.clock import start_of_business_day
from payments.errors import PaymentInProgress, PromptLimitReached
from payments.models import MobileMoneyTransaction, PhoneLock, PromptLimits
from payments.states import LIVE, State

logger = logging.getLogger(__name__)

NEVER_PROMPTED = ("unavailable", "configuration", "not_found")
DECLINED = ("cancelled", "declined")


def check_prompt_allowed(*, payer: User, phone: str, amount: int, daily_amount_floor: int) -> None:
    """Raise PromptLimitReached or PaymentInProgress when another prompt is one too many.

    Runs inside the caller's transaction, which holds the payer's row: this locks the phone's row, so
    that counting and starting are one step for every account that asks for that phone.
    `daily_amount_floor` (TZS) is an amount that every account may spend in a day.
    """
    PhoneLock.objects.get_or_create(phone=phone)
    PhoneLock.objects.select_for_update().get(phone=phone)
    now = timezone.now()
    limits = PromptLimits.current()
    prompts = MobileMoneyTransaction.objects.filter(payment__bills=None).exclude(
        Q(status=State.FAILED) & Q(reason__in=NEVER_PROMPTED)
    )
    to_phone = prompts.filter(customer_phone=phone)
    if to_phone.filter(status__in=LIVE).exists():
        raise PaymentInProgress(
            "This phone already has a payment request waiting. Answer it first, then try again."
        )
    _check_phone(to_phone, limits, now)
    by_account = prompts.filter(payment__payer=payer)
    _check_account(by_account, phone, limits, now)
    if phone != payer.phone:
        _check_unverified(by_account, payer, phone, limits, now)
    _check_amount(by_account, payer, amount, daily_amount_floor, limits, now)


def _check_phone(
    prompts: QuerySet[MobileMoneyTransaction], limits: PromptLimits, now: datetime
) -> None:
    for window, most in (
        (timedelta(minutes=10), limits.phone_per_10_minutes),
        (timedelta(hours=1), limits.phone_per_hour),
        (timedelta(days=1), limits.phone_per_day),
    ):
        _check_window(
            prompts, window, most, now, _("This phone has had too many payment requests.")
        )
    pause = timedelta(minutes=limits.pause_minutes)
    recent = prompts.filter(created_at__gt=now - pause)
    declined = recent.filter(status=State.FAILED, reason__in=DECLINED).exists()
    unanswered = recent.filter(
        Q(status=State.EXPIRED) | Q(status=State.FAILED, reason="no_answer")
    ).count()
    if declined or unanswered >= limits.no_answers_before_pause:
        last = recent.order_by("-created_at").values_list("created_at", flat=True)[0]
        raise _too_many(_("The last payment requests were not accepted."), last + pause - now)


def _check_account(
    prompts: QuerySet[MobileMoneyTransaction], phone: str, limits: PromptLimits, now: datetime
) -> None:
    sentence = _("You have started many payments.")
    _check_window(prompts, timedelta(minutes=10), limits.account_per_10_minutes, now, sentence)
    _check_window(prompts, timedelta(days=1), limits.account_per_day, now, sentence)
    phones = _phones_today(prompts, now)
    if phone not in phones and len(phones) >= limits.account_phones_per_day:
        raise _too_many(_("You have paid from many phones today."), _until_tomorrow(now))


def _check_unverified(
    prompts: QuerySet[MobileMoneyTransaction],
    payer: User,
    phone: str,
    limits: PromptLimits,
    now: datetime,
) -> None:
    """A phone that is not the account's own: its owner has not agreed to anything."""
    today = start_of_business_day(now)
    earlier = prompts.filter(customer_phone=phone, created_at__gte=today).count()
    others = _phones_today(prompts, now) - {payer.phone, phone}
    if (
        earlier >= limits.unverified_phone_per_day
        or len(others) >= limits.unverified_phones_per_account
    ):
        raise _too_many(
            _("You have asked other people's phones often enough today. Use your own phone."),
            _until_tomorrow(now),
        )


def _check_amount(
    prompts: QuerySet[MobileMoneyTransaction],
    payer: User,
    amount: int,
    floor: int,
    limits: PromptLimits,
    now: datetime,
) -> None:
    age = now - payer.created_at
    if age >= timedelta(days=7):
        return
    cap = limits.amount_first_day if age < timedelta(days=1) else limits.amount_first_week
    spent = (
        prompts.filter(created_at__gte=start_of_business_day(now))
        .exclude(status=State.FAILED)
        .aggregate(total=Sum("payment__amount"))["total"]
        or 0
    )
    if spent + amount > max(cap, floor):
        raise _too_many(_("A new account may spend only so much a day."), _until_tomorrow(now))


def _check_window(
    prompts: QuerySet[MobileMoneyTransaction],
    window: timedelta,
    most: int,
    now: datetime,
    sentence: str,
) -> None:
    times = list(
        prompts.filter(created_at__gt=now - window)
        .order_by("-created_at")
        .values_list("created_at", flat=True)[:most]
    )
    if len(times) >= most:
        raise _too_many(sentence, times[-1] + window - now if times else window)


def _phones_today(prompts: QuerySet[MobileMoneyTransaction], now: datetime) -> set[str]:
    today = prompts.filter(created_at__gte=start_of_business_day(now))
    return set(today.values_list("customer_phone", flat=True))


def _until_tomorrow(now: datetime) -> timedelta:
    return start_of_business_day(now) + timedelta(days=1) - now


def _too_many(sentence: str, wait: timedelta) -> PromptLimitReached:
    seconds = max(1, int(wait.total_seconds()) + 1)
    minutes = -(-seconds // 60)
    again = _("Try again in a minute.")
    if minutes > 1:
        again = _("Try again in {minutes} minutes.").format(minutes=minutes)
    if minutes >= 120:
        again = _("Try again tomorrow.")
    logger.info("prompt refused: %s", sentence)
    return PromptLimitReached(f"{sentence} {again}", retry_after_seconds=seconds)
