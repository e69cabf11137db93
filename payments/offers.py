"""What a customer is told of the providers before paying: which one, how it fares, what will happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from payments.models import MobileMoneyTransaction, ProviderName, ProviderSwitch
from payments.providers import registry
from payments.providers.base import Reason
from payments.states import LIVE, State

# Of the attempts that ended lately, this share must have come to an end that is the provider's doing.
LATELY = timedelta(minutes=30)
LOOKED_AT = 200
ENDED_LEAST = 5
TROUBLED_SHARE = 0.6
THEIR_DOING = {Reason.UNAVAILABLE, Reason.NOT_FOUND, Reason.CONFIGURATION}


class Health(StrEnum):
    GOOD = "good"
    TROUBLED = "troubled"  # it answers, and most payments of late came to nothing by it
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider as it can be paid with now; amounts in TZS, None while it is not set up."""

    provider: ProviderName
    enabled: bool
    message: str
    health: Health
    amount_min: int | None
    amount_max: int | None

    @property
    def name(self) -> str:
        return str(self.provider.label)

    @property
    def prompt(self) -> str:
        """What the customer's phone will do."""
        return _(
            "A window of {name} opens on the phone, names the amount and asks for the {name} PIN. "
            "It closes by itself after about a minute. Nobody from Konektika ever asks for the PIN."
        ).format(name=self.name)


def offers() -> list[Offer]:
    """Every provider, in the order in which they are offered."""
    switches = {switch.provider: switch for switch in ProviderSwitch.objects.all()}
    troubled = _troubled()
    return [_offer(each, switches.get(each), each in troubled) for each in ProviderName]


def _offer(provider: ProviderName, switch: ProviderSwitch | None, is_troubled: bool) -> Offer:
    is_switched_off = switch is not None and not switch.takes_payments
    is_usable = not is_switched_off and registry.takes_payments(provider)
    notice = switch.notice if switch and is_switched_off else ""
    limits = registry.limits(provider)
    return Offer(
        provider=provider,
        enabled=is_usable,
        message=_message(provider, is_usable, is_troubled, notice),
        health=_health(is_usable, is_troubled),
        amount_min=limits and limits[0],
        amount_max=limits and limits[1],
    )


def _message(provider: ProviderName, is_usable: bool, is_troubled: bool, notice: str) -> str:
    if not is_usable:
        return notice or registry.unavailable(provider)
    if is_troubled:
        return _("Many payments by {name} do not go through at the moment.").format(
            name=provider.label
        )
    return ""


def _health(is_usable: bool, is_troubled: bool) -> Health:
    if not is_usable:
        return Health.DOWN
    return Health.TROUBLED if is_troubled else Health.GOOD


def _troubled() -> set[str]:
    """The providers by whose doing most of the latest payments came to nothing."""
    ended: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    for provider, is_bad in _ends_of_late():
        ended[provider] += 1
        bad[provider] += is_bad
    return {
        provider
        for provider, count in ended.items()
        if count >= ENDED_LEAST and bad[provider] >= TROUBLED_SHARE * count
    }


def _ends_of_late() -> Iterable[tuple[str, bool]]:
    """Provider of each of the latest attempts that has ended, and whether badly by its doing."""
    latest = MobileMoneyTransaction.objects.order_by("-pk")
    rows = latest.values_list("provider", "status", "reason", "created_at")[:LOOKED_AT]
    since = timezone.now() - LATELY
    for provider, status, reason, created_at in rows:
        if created_at >= since and status not in LIVE:
            is_failed = status == State.FAILED and reason in THEIR_DOING
            yield provider, is_failed or status == State.EXPIRED
