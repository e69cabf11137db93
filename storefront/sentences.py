"""What `vpn.diagnosis` finds and what happened to a payment, said to the customer."""

from __future__ import annotations

from datetime import datetime

from django.utils.timesince import timesince
from django.utils.timezone import localtime

from vpn.diagnosis import Diagnosis, Finding

SENTENCES = {
    Finding.NOTHING_BOUGHT: "You have not bought anything with this account yet. Did you pay from "
    "another account? Send us the receipt number.",
    Finding.WAITING_FOR_PIN: "Your payment waits for your PIN, or for news of the provider.",
    Finding.NO_ANSWER: "The provider has not told us yet whether your money moved. We go on asking.",
    Finding.NOT_PAID: "Your last payment did not go through: no money has reached us.",
    Finding.NOT_ACTIVATED: "You have paid, and we are still switching it on. We try again by "
    "ourselves; if it cannot be done, your money comes back.",
    Finding.REFUNDING: "Your money is on its way back to your phone.",
    Finding.REFUNDED: "Your money was sent back to your phone.",
    Finding.REVERSED: "The provider has taken the payment back. We are looking at it.",
    Finding.UNDERPAID: "Less than the price has arrived: it is your credit, for the next bundle.",
    Finding.BECAME_CREDIT: "Your money is your credit, for the next bundle.",
    Finding.WITHDRAWN: "The money went back, and what it bought has ended.",
    Finding.TIME_OVER: "The time of {bundle} was over {ends_at}.",
    Finding.USED_UP: "The data of {bundle} is used up.",
    Finding.NO_DEVICE: "{bundle} is active, and no device is set up for it yet.",
    Finding.DEVICE_REVOKED: "{bundle} is active, and this device was removed.",
    Finding.GATEWAY_SILENT: "The server that you connect to does not answer at the moment. We know "
    "of it and are working on it.",
    Finding.GATEWAY_BEHIND: "Your device is being set up on the server: wait some seconds.",
    Finding.NOT_FETCHED: "{bundle} is active, and you have not opened its configuration yet.",
    Finding.NEVER_CONNECTED: "{bundle} is active, and your device has never connected.",
    Finding.OFFLINE: "{bundle} is active. Your device was connected {seen} ago.",
    Finding.ONLINE: "All is well: your device is connected.",
}
NEXT_STEPS = {
    Finding.NOTHING_BOUGHT: ("buy", "Choose a bundle, or send us the receipt of your payment."),
    Finding.WAITING_FOR_PIN: ("enter_pin", "Enter the PIN on the phone that pays."),
    Finding.NO_ANSWER: ("wait", "Wait for our message before you pay again."),
    Finding.NOT_PAID: ("buy", "Pay again when you like."),
    Finding.NOT_ACTIVATED: ("wait", "Wait a moment."),
    Finding.REFUNDING: ("wait", "Wait for the provider's message."),
    Finding.REFUNDED: ("buy", "Buy again when you like."),
    Finding.REVERSED: ("wait", "Wait until we have looked at it."),
    Finding.UNDERPAID: ("use_credit", "Buy a bundle and let your credit pay first."),
    Finding.BECAME_CREDIT: ("use_credit", "Buy a bundle and let your credit pay first."),
    Finding.WITHDRAWN: ("buy", "Buy again when you like."),
    Finding.TIME_OVER: ("buy", "Buy it again to go on."),
    Finding.USED_UP: ("buy", "Buy it again to go on."),
    Finding.NO_DEVICE: ("get_configuration", "Open your configuration."),
    Finding.DEVICE_REVOKED: (
        "get_configuration",
        "Set the device up again: open your configuration.",
    ),
    Finding.GATEWAY_SILENT: ("wait", "Try again in some minutes."),
    Finding.GATEWAY_BEHIND: ("wait", "Wait some seconds, then switch the tunnel off and on."),
    Finding.NOT_FETCHED: ("get_configuration", "Open your configuration."),
    Finding.NEVER_CONNECTED: ("switch_on", "Switch the tunnel on in the WireGuard app."),
    Finding.OFFLINE: ("switch_on", "Switch the tunnel off and on again in the WireGuard app."),
    Finding.ONLINE: ("none", ""),
}


def sentence(diagnosis: Diagnosis, now: datetime) -> str:
    """What is wrong, for the customer."""
    subscription, peer = diagnosis.subscription, diagnosis.peer
    facts: dict[str, object] = {}
    if subscription is not None:
        ends_at = f"{localtime(subscription.ends_at):%d.%m.%Y %H:%M}"
        facts = {"bundle": subscription.bundle, "ends_at": ends_at}
    if peer is not None and peer.handshake_at is not None:
        facts["seen"] = timesince(peer.handshake_at, now, depth=1)
    return SENTENCES[diagnosis.finding].format(**facts)


def next_step(diagnosis: Diagnosis) -> tuple[str, str]:
    """What the customer does about it: a stable code, and a sentence ("" for nothing)."""
    return NEXT_STEPS[diagnosis.finding]
