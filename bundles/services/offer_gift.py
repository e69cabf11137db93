"""Offers a gift to a phone: its row and the SMS with its link, in one transaction.

The link is how a gift is delivered, so it waits for no later telling (ADR 0010).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.timezone import localtime

from accounts.models import User
from bundles.gift_tokens import hash_of
from bundles.models import GIGABYTE, Gift, Purchase, Subscription
from common.sizes import in_words
from notifications.services import queue_message

GOOD_FOR = timedelta(days=7)
NAME_MAX = 20  # of the giver in the SMS


def offer_bought(purchase: Purchase) -> None:
    """Offer a paid purchase to whom it is for, inside the fulfilment's transaction."""
    _offer(
        Gift(
            giver=purchase.customer,
            phone=purchase.gift_phone,
            bundle=purchase.bundle,
            purchase=purchase,
            data_bytes=purchase.data_limit_gb * GIGABYTE,
            expires_at=timezone.now() + GOOD_FOR,
        ),
        message_id="gift_bought",
        context={"bundle": purchase.bundle.name},
    )


def offer_data(subscription: Subscription, *, phone: str, data_bytes: int) -> Gift:
    """Offer bytes that are off a subscription's allowance, inside the caller's transaction."""
    return _offer(
        Gift(
            giver=subscription.customer,
            phone=phone,
            bundle=subscription.bundle,
            subscription=subscription,
            data_bytes=data_bytes,
            expires_at=min(timezone.now() + GOOD_FOR, subscription.ends_at),
        ),
        message_id="gift_data",
        context={"data": in_words(data_bytes), "bundle": subscription.bundle.name},
    )


def _offer(gift: Gift, *, message_id: str, context: dict[str, str]) -> Gift:
    token = secrets.token_urlsafe(18)
    until = localtime(gift.expires_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    gift.token_hash = hash_of(token)
    gift.save(force_insert=True)
    queue_message(
        message_id=message_id,
        to=gift.phone,
        language=_language_of(gift.phone),
        context={
            **context,
            "giver": _named(gift.giver),
            "until": f"{until:%d.%m.%Y %H:%M}",
            "link": f"{settings.PUBLIC_URL}/gift/{token}",
        },
        key=f"gift:{gift.pk}",
    )
    return gift


def _language_of(phone: str) -> str:
    """Of whoever has the phone; Swahili for somebody whom nobody knows."""
    known = User.objects.filter(phone=phone).values_list("language", flat=True).first()
    return known or User.Language.SWAHILI


def _named(giver: User) -> str:
    """The giver as somebody may read who knows only the number: letters, so that no name is a link."""
    letters = "".join(each for each in giver.short_name if each.isalpha() or each in " '-")
    return letters.strip()[:NAME_MAX] or "Konektika"
