"""Providers in memory that know what money really moved, whatever they tell us and whenever.

Three test dialects, as different as the real ones: one that is asked by its handle and reports by the
attempt's token, one that cannot be asked, one that signs its callbacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from payments.providers.base import (
    Acknowledgement,
    Answer,
    Collection,
    Description,
    Disbursement,
    Health,
    Lookup,
    MalformedCallback,
    Notice,
    NoticeKind,
    Outcome,
    Reason,
    Refund,
    Reversal,
    Signature,
    StatusQuestion,
    TransferQuestion,
    Withheld,
)
from tests.model.faults import ProcessDied

PIN_TIME = timedelta(minutes=5)
ON_ITS_WAY = timedelta(minutes=5)  # a delayed request arrives within this or never

ASKED_BY_HANDLE = Description(
    provider="vodacom_mpesa",
    dialect="by_handle",
    name="M-Pesa",
    amount_min=1,
    amount_max=1_000_000,
    can_query=True,
    query_without_handle=False,
    first_query_seconds=15,
    not_found_grace_seconds=None,
    reversal=Reversal.PART,
    disburses=True,
    can_query_disbursement=True,
    can_query_reversal=True,
)
NEVER_ASKED = Description(
    provider="tigo_pesa",
    dialect="never_asked",
    name="Tigo Pesa",
    amount_min=1,
    amount_max=1_000_000,
    can_query=False,
    query_without_handle=False,
    first_query_seconds=0,
    not_found_grace_seconds=None,
    disburses=True,
)
SIGNING = Description(
    provider="airtel_money",
    dialect="signing",
    name="Airtel Money",
    amount_min=1,
    amount_max=1_000_000,
    can_query=True,
    query_without_handle=True,
    first_query_seconds=180,
    not_found_grace_seconds=900,
    signs_callbacks=True,
    reversal=Reversal.FULL,
    disburses=True,
    can_query_disbursement=True,
    can_query_reversal=True,
)
DESCRIPTIONS = (ASKED_BY_HANDLE, NEVER_ASKED, SIGNING)


class Wire(StrEnum):
    """What becomes of one call."""

    ANSWERED = "answered"
    AT_ONCE = "final at once"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    OUT_OF_ORDER = "held back: the provider answers nobody"
    NOT_ITS_TURN = "held back: not its turn"
    DENIED = "sent, but called not sent"
    REQUEST_LOST = "request lost"
    REQUEST_DELAYED = "request delayed"
    ANSWER_LOST = "answer lost"
    FORGETFUL = "not found although known"
    DIES_BEFORE = "we die before it"
    DIES_AFTER = "we die after it"


NOTHING_LEFT = {
    Wire.NOT_SENT: None,
    Wire.OUT_OF_ORDER: Withheld.OUT_OF_ORDER,
    Wire.NOT_ITS_TURN: Withheld.NOT_ITS_TURN,
}
COMMON = (Wire.ANSWERED, Wire.ANSWER_LOST, Wire.NOT_SENT, Wire.DIES_BEFORE, Wire.DIES_AFTER)
SENDING = (*COMMON, Wire.AT_ONCE, Wire.REFUSED, Wire.REQUEST_LOST, *NOTHING_LEFT)
COLLECTING = (*SENDING, Wire.REQUEST_DELAYED)
TRANSFERRING = (*SENDING, Wire.DENIED)
ASKING = (*COMMON, Wire.FORGETFUL, Wire.FORGETFUL, Wire.FORGETFUL)

UNHEARD = Answer(outcome=Outcome.UNKNOWN, code="timeout")


class Shown:
    """Printed in a failing example by its `repr`, not field by field."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


class Fate(StrEnum):
    """What has really become of a request."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


@dataclass
class Charge(Shown):
    """One request to charge a phone, as the provider knows it. Amounts in TZS."""

    dialect: str
    asked: Collection
    handle: str
    taken_at: datetime
    fate: Fate = Fate.WAITING
    reason: Reason | None = None
    paid: int = 0
    paid_by: str = ""
    receipt: str = ""
    returned: int = 0
    is_reversed_alone: bool = False  # by the provider, unasked
    is_misreported: bool = False  # told to have failed before it was paid

    def __repr__(self) -> str:
        return f"<charge {self.handle} {self.fate} {self.paid - self.returned}>"


@dataclass
class Sending(Shown):
    """One request to send money or to take a collection back, as the provider knows it."""

    asked: Disbursement | Refund
    handle: str
    fate: Fate = Fate.WAITING
    receipt: str = ""

    def __repr__(self) -> str:
        return f"<sending {self.handle} {self.fate} {self.asked.amount}>"


@dataclass(frozen=True)
class Delayed(Shown):
    """A request that the network still holds, until it drops it."""

    request: Collection
    until: datetime

    def __repr__(self) -> str:
        return f"<delayed {self.request.amount}>"


@dataclass(frozen=True)
class Callback(Shown):
    """What the provider reports, and how: it can be delivered often, late, or never."""

    dialect: str
    body: Mapping[str, Any]
    token: str

    def __repr__(self) -> str:
        return f"<callback {self.body['provider_reference']} {self.body['outcome']}>"


@dataclass
class ModelProvider(Shown):
    """One provider with its own books. `draw` decides each call's fate; `meanwhile` happens during it."""

    description: Description
    charges: dict[str, Charge] = field(default_factory=dict)
    sendings: dict[str, Sending] = field(default_factory=dict)
    delayed: list[Delayed] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    posts: dict[str, list[bool]] = field(default_factory=dict)  # whether each was proved not sent
    wrongs: list[str] = field(default_factory=list)  # what we must never have done
    draw: Callable[[Sequence[Wire]], Wire] = lambda wires: Wire.ANSWERED
    meanwhile: Callable[[], None] = lambda: None
    secret: str = "signing-secret"
    _names: int = 0

    def __repr__(self) -> str:
        return f"<{self.description.dialect}>"

    # What really happens

    def answer_prompt(self, charge: Charge, *, amount: int, msisdn: str = "") -> None:
        """The customer enters the PIN: the money moves."""
        charge.fate = Fate.DONE
        charge.paid, charge.paid_by = amount, msisdn or charge.asked.msisdn
        charge.receipt = self._name("R")
        self._report_charge(charge)

    def end_prompt(self, charge: Charge, reason: Reason) -> None:
        charge.fate, charge.reason = Fate.REFUSED, reason
        self._report_charge(charge)

    def report_failure_by_mistake(self, charge: Charge) -> None:
        """Some say that a prompt has failed and take its money afterwards."""
        charge.is_misreported = True
        answer = Answer(outcome=Outcome.FAILED, reason=Reason.NO_ANSWER, code="1037")
        self._report(charge, replace(answer, provider_reference=charge.handle))

    def reverse_alone(self, charge: Charge) -> None:
        """Take a collection back unasked; of what we have asked for, nothing is left to be done."""
        charge.returned, charge.is_reversed_alone = charge.paid, True
        self._report_charge(charge)
        for sending in self.sendings.values():
            is_of_it = isinstance(sending.asked, Refund) and (
                sending.asked.collection_reference == charge.asked.reference
            )
            if is_of_it and sending.fate == Fate.WAITING:
                self.end_sending(sending, is_sent=False)

    def end_sending(self, sending: Sending, *, is_sent: bool) -> None:
        """The money goes out, or it is certain that it does not."""
        is_sent = is_sent and self._take_back(sending)
        sending.fate = Fate.DONE if is_sent else Fate.REFUSED
        sending.receipt = self._name("T") if is_sent else ""
        if is_sent and isinstance(sending.asked, Refund):
            self._report_charge(self.charges[sending.asked.collection_reference])
        self._report(sending, self._truth_of_sending(sending), NoticeKind.TRANSFER)

    def arrive(self, delayed: Delayed) -> None:
        """A request that was long on its way is taken now."""
        self.delayed.remove(delayed)
        self._take(delayed.request)

    def waiting(self) -> list[Charge]:
        """Prompts that a customer can still answer; those whose time is over have ended."""
        for charge in self.charges.values():
            if charge.fate == Fate.WAITING and timezone.now() >= charge.taken_at + PIN_TIME:
                self.end_prompt(charge, Reason.NO_ANSWER)
        return [charge for charge in self.charges.values() if charge.fate == Fate.WAITING]

    # What we call

    def collect(self, request: Collection) -> Answer:
        wire = self._begin_post(request.reference, COLLECTING)
        if wire in NOTHING_LEFT:
            return self._nothing_left(request.reference, wire)
        if wire == Wire.REQUEST_DELAYED:
            self.delayed.append(Delayed(request, timezone.now() + ON_ITS_WAY))
        if wire in (Wire.REQUEST_LOST, Wire.REQUEST_DELAYED):
            return UNHEARD
        charge = self._take(request)
        if wire == Wire.REFUSED:
            self.end_prompt(charge, Reason.INSUFFICIENT_FUNDS)
        if wire == Wire.AT_ONCE:
            self.answer_prompt(charge, amount=request.amount)
        return self._end_post(wire, lambda: self._truth_of_charge(charge))

    def query(self, question: StatusQuestion) -> Answer:
        found = self.charges.get(question.reference)
        if not self.description.query_without_handle:
            handle = question.provider_reference
            found = next((one for one in self.charges.values() if one.handle == handle), None)
        wire = self._begin(ASKING)
        grace = timedelta(seconds=self.description.not_found_grace_seconds or 0)
        is_forgotten = (
            found is not None and wire == Wire.FORGETFUL and timezone.now() < found.taken_at + grace
        )
        if found is None or is_forgotten:
            told = Answer(outcome=Outcome.UNKNOWN, not_found=True, code="404")
            return self._end_post(wire, lambda: told)
        charge = found
        return self._end_post(wire, lambda: self._truth_of_charge(charge))

    def refund(self, request: Refund) -> Answer:
        return self._send(request)

    def disburse(self, request: Disbursement) -> Answer:
        return self._send(request)

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        wire = self._begin(ASKING)
        sending = self.sendings.get(question.reference)
        if sending is not None:
            known = sending
            return self._end_post(wire, lambda: self._truth_of_sending(known))
        charge = self.charges.get(question.collection_reference)
        is_gone = (
            question.is_reversal
            and charge is not None
            and charge.paid == charge.returned > 0
            and self.description.signs_callbacks  # it tells by the collection's own state
        )
        outcome = Outcome.SUCCEEDED if is_gone else Outcome.UNKNOWN
        return self._end_post(wire, lambda: Answer(outcome=outcome, code="asked"))

    def balance(self) -> Lookup:
        return Lookup()

    def holder(self, msisdn: str) -> Lookup:
        return Lookup()

    def health(self) -> Health:
        return Health(is_up=True)

    # What we hear

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        try:
            told = json.loads(body)
            return Notice(
                answer=Answer(
                    outcome=Outcome(told["outcome"]),
                    reason=Reason(told["reason"]) if told.get("reason") else None,
                    code=told.get("code", ""),
                    receipt=told.get("receipt", ""),
                    provider_reference=told.get("provider_reference", ""),
                    amount=told.get("amount"),
                    currency=told.get("currency"),
                    msisdn=told.get("msisdn"),
                    response=told,
                ),
                kind=NoticeKind(told["kind"]),
                reference=told.get("reference", ""),
                provider_reference=told.get("provider_reference", ""),
                signature=self._checked(told.get("signature")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedCallback(str(error)) from error

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return Acknowledgement(body=b"{}")

    def _checked(self, signature: str | None) -> Signature:
        if not self.description.signs_callbacks or signature is None:
            return Signature.ABSENT
        return Signature.VALID if signature == self.secret else Signature.WRONG

    # Inside

    def _send(self, request: Disbursement | Refund) -> Answer:
        wire = self._begin_post(request.reference, TRANSFERRING)
        if wire in NOTHING_LEFT:
            return self._nothing_left(request.reference, wire)
        if wire == Wire.REQUEST_LOST:
            return UNHEARD
        if request.reference in self.sendings or not self._can_be_taken_back(request):
            return self._end_post(wire, lambda: replace(UNHEARD, code="duplicate"))
        sending = self.sendings[request.reference] = Sending(request, self._name("S"))
        if wire == Wire.REFUSED:
            self.end_sending(sending, is_sent=False)
        if wire == Wire.AT_ONCE:
            self.end_sending(sending, is_sent=True)
        if wire == Wire.DENIED:
            self.posts[request.reference][-1] = True
            return Answer(outcome=Outcome.NOT_SENT, code="503")
        return self._end_post(wire, lambda: self._truth_of_sending(sending))

    def _can_be_taken_back(self, request: Disbursement | Refund) -> bool:
        if isinstance(request, Disbursement):
            return True
        charge = self.charges[request.collection_reference]
        return charge.returned + request.amount <= charge.paid

    def _take_back(self, sending: Sending) -> bool:
        """Whether it can be sent; a reversal's collection is less by it then."""
        if isinstance(sending.asked, Refund):
            if not self._can_be_taken_back(sending.asked):
                return False
            self.charges[sending.asked.collection_reference].returned += sending.asked.amount
        return True

    def _begin(self, wires: Sequence[Wire]) -> Wire:
        wire = self.draw(wires)
        if wire == Wire.DIES_BEFORE:
            raise ProcessDied("before the provider was called")
        return wire

    def _begin_post(self, reference: str, wires: Sequence[Wire]) -> Wire:
        earlier = self.posts.setdefault(reference, [])
        if not all(earlier):
            self.wrongs.append(f"{reference} was sent again without proof of not being processed")
        earlier.append(False)
        return self._begin(wires)

    def _nothing_left(self, reference: str, wire: Wire) -> Answer:
        self.posts[reference][-1] = True
        return Answer(outcome=Outcome.NOT_SENT, withheld=NOTHING_LEFT[wire], code="refused")

    def _end_post(self, wire: Wire, tell: Callable[[], Answer]) -> Answer:
        """What we get to hear; the callback may overtake it."""
        told = tell()
        self.meanwhile()
        if wire == Wire.DIES_AFTER:
            raise ProcessDied("after the provider was called")
        if wire == Wire.NOT_SENT:
            return Answer(outcome=Outcome.NOT_SENT, code="refused")
        return UNHEARD if wire == Wire.ANSWER_LOST else told

    def _take(self, request: Collection) -> Charge:
        charge = Charge(self.description.dialect, request, self._name("H"), timezone.now())
        if request.reference in self.charges:
            self.wrongs.append(f"the phone was prompted twice for {request.reference}")
        self.charges[request.reference] = charge
        return charge

    def _truth_of_charge(self, charge: Charge) -> Answer:
        handle = charge.handle
        self.waiting()
        if charge.fate == Fate.WAITING:
            return Answer(outcome=Outcome.PENDING, code="0", provider_reference=handle)
        if charge.fate == Fate.REFUSED:
            return Answer(
                outcome=Outcome.FAILED, reason=charge.reason, code="1", provider_reference=handle
            )
        answer = Answer(
            outcome=Outcome.REVERSED if charge.returned == charge.paid else Outcome.SUCCEEDED,
            code="0",
            provider_reference=handle,
            receipt=charge.receipt,
        )
        if self.description.signs_callbacks:
            return answer
        return replace(answer, amount=charge.paid, msisdn=charge.paid_by, currency="TZS")

    def _truth_of_sending(self, sending: Sending) -> Answer:
        outcomes = {
            Fate.WAITING: Outcome.PENDING,
            Fate.DONE: Outcome.SUCCEEDED,
            Fate.REFUSED: Outcome.FAILED,
        }
        return Answer(
            outcome=outcomes[sending.fate],
            reason=Reason.DECLINED if sending.fate == Fate.REFUSED else None,
            code="0",
            provider_reference=sending.handle,
            receipt=sending.receipt,
            amount=sending.asked.amount,
        )

    def _report_charge(self, charge: Charge) -> None:
        self._report(charge, self._truth_of_charge(charge))

    def _report(
        self,
        about: Charge | Sending,
        answer: Answer,
        kind: NoticeKind = NoticeKind.COLLECTION,
    ) -> None:
        body = {
            "kind": kind,
            "outcome": answer.outcome,
            "reason": answer.reason,
            "code": answer.code,
            "receipt": answer.receipt,
            "provider_reference": answer.provider_reference,
            "amount": answer.amount,
            "msisdn": answer.msisdn,
        }
        if self.description is not ASKED_BY_HANDLE:
            body["reference"] = about.asked.reference
        if self.description.signs_callbacks:
            body["signature"] = self.secret
        self.callbacks.append(Callback(self.description.dialect, body, about.asked.callback_token))

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{self.description.dialect}-{kind}{self._names}"
