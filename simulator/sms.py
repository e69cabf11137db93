"""What the stand-ins of SMS providers have in common: phones that get texts, credit, reports.

Our conventions: a sent SMS is charged whether it is delivered or not, and a report tells within a
second, on its way first.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from aiohttp import web

from simulator.phones import Receiving, receiving_of, sms_code_of
from simulator.provider import Api
from simulator.store.calls import CallbackRequest
from simulator.store.texts import Text

# 3GPP TS 23.038: what takes one septet, and what takes two.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_ENDS = {Receiving.UNDELIVERED: "undelivered", Receiving.REPORTED_STRANGELY: "strange"}
_REPORTS = {
    Receiving.UNDELIVERED: ("pending", "undelivered"),
    Receiving.UNREPORTED: (),
    Receiving.REPORTED_TWICE: ("delivered", "delivered"),
    Receiving.REPORTED_BACKWARDS: ("delivered", "pending"),
    Receiving.REPORTED_STRANGELY: ("strange",),
}


class SmsApi(Api):
    """One provider of SMS."""

    codes: ClassVar[Mapping[int, str]]  # of refusals, and what they say
    refusals: ClassVar[Mapping[Receiving, int]]
    report_url: str

    @abstractmethod
    def report(self, text: Text, word: str) -> CallbackRequest:
        """How it tells of a delivery: `pending`, `delivered`, `undelivered` or `strange`."""

    def opt_out(self, msisdn: str) -> None:
        """The phone's holder wants no more messages; a provider that asks for that tells of it."""

    @property
    def credit(self) -> int:
        """SMS that are left."""
        bought = int(self.behaviour.settings["sms_credit"])
        return max(0, bought - self.store.texts.charged(self.name))

    def receiving_of(self, msisdn: str, text: str) -> Receiving:
        receiving = receiving_of(msisdn)
        is_paid_for = parts(text) <= self.credit
        return receiving if is_paid_for or not receiving.is_sent else Receiving.NO_CREDIT

    def refusal_of(self, msisdn: str, text: str) -> int | None:
        """The code that it refuses an SMS with."""
        code = sms_code_of(msisdn)
        return code if code in self.codes else self.refusals.get(self.receiving_of(msisdn, text))

    def word_of(self, text: Text) -> str:
        """What whoever asks is told of a delivery, by the words of `report`."""
        age = time.time() - text.created_at
        is_known = age >= self.behaviour.seconds("report_seconds")
        return _ENDS.get(text.receiving, "delivered") if is_known else "pending"

    def take(
        self,
        *,
        reference: str,
        sender: str,
        msisdn: str,
        text: str,
        receiving: Receiving,
        recipient: str = "",
    ) -> Text:
        """Send it to the phone, and have it reported."""
        sent = self.store.texts.add(
            gateway=self.name,
            reference=reference,
            sender=sender,
            msisdn=msisdn,
            recipient=recipient,
            text=text,
            parts=parts(text),
            receiving=receiving,
        )
        if self.report_url and receiving is not Receiving.REPORTED_FIRST:
            words = _REPORTS.get(receiving, ("pending", "delivered"))
            self.world.sender.queue(
                sent.about,
                [self.report(sent, word) for word in words],
                seconds=self.behaviour.seconds("report_seconds")
                + self.behaviour.callback_latency(self.name),
                between=self.behaviour.seconds("between_seconds"),
            )
        return sent

    async def told(self, text: Text, response: web.Response) -> web.Response:
        """Answer about an SMS that was sent, as its phone has it. Raises HangUp."""
        match text.receiving:
            case Receiving.ERROR_AFTER_SENDING:
                return self.broken(is_cut=False)
            case Receiving.RESPONSE_LOST:
                return self.broken(is_cut=True)
            case Receiving.SLOW:
                await asyncio.sleep(self.behaviour.seconds("slow_seconds"))
            case Receiving.REPORTED_FIRST if self.report_url:
                calls = self.world.sender.queue(
                    text.about, [self.report(text, "delivered")], seconds=0
                )
                await self.world.sender.send(calls[0])
        return response


def parts(text: str) -> int:
    """How many SMS a text is sent as; a letter is never torn between two."""
    if set(text) <= _BASIC | _EXTENDED:
        widths, alone, together = [1 + (letter in _EXTENDED) for letter in text], 160, 153
    else:
        widths, alone, together = [1 + (letter > "\uffff") for letter in text], 70, 67
    if sum(widths) <= alone:
        return 1
    count, room = 1, together
    for width in widths:
        if width > room:
            count, room = count + 1, together
        room -= width
    return count
