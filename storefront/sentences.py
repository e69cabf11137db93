"""What `vpn.diagnosis` finds and what happened to a payment, said to the customer."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from vpn.diagnosis import Diagnosis, Finding

SENTENCES = {
    Finding.NOTHING_BOUGHT: _(
        "You have not bought anything with this account yet. Did you pay from "
        "another account? Send us the receipt number."
    ),
    Finding.WAITING_FOR_PIN: _("Your payment waits for your PIN, or for news of the provider."),
    Finding.NO_ANSWER: _(
        "The provider has not told us yet whether your money moved. We go on asking."
    ),
    Finding.NOT_PAID: _("The payment did not go through: no money has reached us."),
    Finding.NOT_ACTIVATED: _(
        "You have paid, and we are still switching it on. We try again by "
        "ourselves; if it cannot be done, your money comes back."
    ),
    Finding.REFUNDING: _("Your money is on its way back to your phone."),
    Finding.REFUNDED: _("Your money was sent back to your phone."),
    Finding.REVERSED: _("The provider has taken the payment back. We are looking at it."),
    Finding.UNDERPAID: _(
        "Less than the price has arrived: it is your credit, for the next bundle."
    ),
    Finding.BECAME_CREDIT: _("Your money is your credit, for the next bundle."),
    Finding.WITHDRAWN: _("The money went back, and what it bought has ended."),
    Finding.GIFT_OFFERED: _("Your gift is paid and waits for whoever you gave it to."),
    Finding.GIFT_CLAIMED: _("Your gift was claimed."),
    Finding.GIFT_RETURNED: _("Your gift was not claimed and went back: its price is your credit."),
    Finding.TIME_OVER: _("The time of {bundle} was over {ends_at}."),
    Finding.USED_UP: _("The data of {bundle} is used up."),
    Finding.NO_DEVICE: _("{bundle} is active, and no device is set up for it yet."),
    Finding.DEVICE_REVOKED: _("{bundle} is active, and this device was removed."),
    Finding.GATEWAY_SILENT: _(
        "The server that you connect to does not answer at the moment. We know "
        "of it and are working on it."
    ),
    Finding.GATEWAY_BEHIND: _("You have paid, and your device is being set up on the server."),
    Finding.NOT_FETCHED: _("{bundle} is active, and you have not opened its configuration yet."),
    Finding.NEVER_CONNECTED: _("{bundle} is active, and your device has never connected."),
    Finding.OFFLINE: _("{bundle} is active. Your device was connected {seen} ago."),
    Finding.ONLINE: _("All is well: your device is connected."),
}
NEXT_STEPS = {
    Finding.NOTHING_BOUGHT: ("buy", _("Choose a bundle, or send us the receipt of your payment.")),
    Finding.WAITING_FOR_PIN: ("enter_pin", _("Enter the PIN on the phone that pays.")),
    Finding.NO_ANSWER: ("wait", _("Wait for our message before you pay again.")),
    Finding.NOT_PAID: ("buy", _("Pay again when you like.")),
    Finding.NOT_ACTIVATED: ("wait", _("Wait a moment.")),
    Finding.REFUNDING: ("wait", _("Wait for the provider's message.")),
    Finding.REFUNDED: ("buy", _("Buy again when you like.")),
    Finding.REVERSED: ("wait", _("Wait until we have looked at it.")),
    Finding.UNDERPAID: ("use_credit", _("Buy a bundle and let your credit pay first.")),
    Finding.BECAME_CREDIT: ("use_credit", _("Buy a bundle and let your credit pay first.")),
    Finding.WITHDRAWN: ("buy", _("Buy again when you like.")),
    Finding.GIFT_OFFERED: ("wait", _("Until it is claimed you can take it back.")),
    Finding.GIFT_CLAIMED: ("none", ""),
    Finding.GIFT_RETURNED: ("use_credit", _("Buy a bundle and let your credit pay first.")),
    Finding.TIME_OVER: ("buy", _("Buy it again to go on.")),
    Finding.USED_UP: ("buy", _("Buy it again to go on.")),
    Finding.NO_DEVICE: ("get_configuration", _("Open your configuration.")),
    Finding.DEVICE_REVOKED: (
        "get_configuration",
        _("Set the device up again: open your configuration."),
    ),
    Finding.GATEWAY_SILENT: ("wait", _("Try again in some minutes.")),
    Finding.GATEWAY_BEHIND: (
        "wait",
        _("Switch the tunnel on in some seconds; if it is on, switch it off and on."),
    ),
    Finding.NOT_FETCHED: ("get_configuration", _("Open your configuration.")),
    Finding.NEVER_CONNECTED: ("switch_on", _("Switch the tunnel on in the WireGuard app.")),
    Finding.OFFLINE: ("switch_on", _("Switch the tunnel off and on again in the WireGuard app.")),
    Finding.ONLINE: ("none", ""),
}


def sentence(diagnosis: Diagnosis, now: datetime) -> str:
    """What is wrong, for the customer."""
    subscription, peer = diagnosis.subscription, diagnosis.peer
    facts: dict[str, object] = {}
    if subscription is not None:
        ends_at = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
        facts = {"bundle": subscription.bundle, "ends_at": f"{ends_at:%d.%m.%Y %H:%M}"}
    if peer is not None and peer.handshake_at is not None:
        facts["seen"] = duration(now - peer.handshake_at)
    return gettext(SENTENCES[diagnosis.finding]).format(**facts)


def next_step(diagnosis: Diagnosis) -> tuple[str, str]:
    """What the customer does about it: a stable code, and a sentence ("" for nothing)."""
    code, text = NEXT_STEPS[diagnosis.finding]
    return code, gettext(text) if text else ""


def duration(time: timedelta) -> str:
    """Days, else hours, else minutes: Django has these words in no Swahili."""
    minutes = max(round(time.total_seconds() / 60), 0)
    if minutes < 60:
        return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = round(minutes / 60)
    if hours < 48:
        return ngettext("{n} hour", "{n} hours", hours).format(n=hours)
    days = round(hours / 24)
    return ngettext("{n} day", "{n} days", days).format(n=days)
