"""What `vpn.diagnosis` finds, said to whoever has the customer on the phone."""

from __future__ import annotations

from datetime import datetime

from django.utils.timesince import timesince
from django.utils.timezone import localtime

from vpn.diagnosis import Diagnosis, Finding

STAFF_SENTENCES = {
    Finding.NOTHING_BOUGHT: "Nothing was ever paid from this account: ask which phone has paid, and "
    "search for it or for the receipt.",
    Finding.WAITING_FOR_PIN: "The payment waits for the PIN or for the provider's news: ask the "
    "provider now.",
    Finding.NO_ANSWER: "The provider has not said whether money moved: ask it now. A late success "
    "still counts.",
    Finding.NOT_PAID: "The last payment failed and no money moved: the customer may buy again.",
    Finding.NOT_ACTIVATED: "Paid, and not activated: activate it again.",
    Finding.REFUNDING: "The money is to go back to the phone: see the refund for how far it is.",
    Finding.REFUNDED: "The money was sent back to the phone: the customer may buy again.",
    Finding.REVERSED: "The provider has taken the payment back: see the case for whether that was "
    "right.",
    Finding.UNDERPAID: "Less than the price was paid: it is the customer's credit, for the next bundle.",
    Finding.BECAME_CREDIT: "The money is the customer's credit, for the next bundle: see the case for "
    "why.",
    Finding.WITHDRAWN: "The money went back, and what it bought has ended: the customer may buy again.",
    Finding.GIFT_OFFERED: "A gift that was not claimed yet: its receiver has a link by SMS, and after "
    "seven days it becomes the giver's credit.",
    Finding.GIFT_CLAIMED: "A gift that its receiver has claimed: look at the receiver's own account.",
    Finding.GIFT_RETURNED: "A gift that nobody claimed in time, or that was taken back: its price is the "
    "giver's credit.",
    Finding.TIME_OVER: "The time of {bundle} was over {ends_at}: the customer needs another.",
    Finding.USED_UP: "The data of {bundle} is used up: the customer needs another.",
    Finding.NO_DEVICE: "{bundle} is active and has no device: it is made when the customer opens the "
    "configuration in the app.",
    Finding.DEVICE_REVOKED: "{bundle} is active and its device is {state}: the customer sets it up "
    "again in the app.",
    Finding.GATEWAY_SILENT: "Gateway {gateway} is silent: look at it, and move the device if it does "
    "not come back.",
    Finding.GATEWAY_BEHIND: "Gateway {gateway} has not taken the device's last change: wait some "
    "seconds, then look at it.",
    Finding.NOT_FETCHED: "Active, and the configuration was not opened by its link: send it again.",
    Finding.NEVER_CONNECTED: "The configuration was opened and the device never connected: have the "
    "tunnel switched on in WireGuard.",
    Finding.OFFLINE: "The device was connected {seen} ago: have the tunnel switched off and on again in "
    "WireGuard; if that does not help, send the configuration again.",
    Finding.ONLINE: "All is well: the device was connected within the last three minutes.",
}


def staff_sentence(diagnosis: Diagnosis, now: datetime) -> str:
    """What is wrong and what helps, for whoever has the customer on the phone."""
    subscription, peer = diagnosis.subscription, diagnosis.peer
    facts: dict[str, object] = {}
    if subscription is not None:
        ends_at = f"{localtime(subscription.ends_at):%d.%m.%Y %H:%M}"
        facts = {"bundle": subscription.bundle, "ends_at": ends_at}
    if peer is not None:
        facts |= {"gateway": peer.gateway, "state": peer.get_state_display().lower()}
        facts["seen"] = timesince(peer.handshake_at, now, depth=1) if peer.handshake_at else ""
    return STAFF_SENTENCES[diagnosis.finding].format(**facts)
