"""What every payment provider's dialect must offer, and the plain values it speaks.

Nothing here knows Django, the database or a particular provider.
Amounts are whole shillings (TZS), an MSISDN is twelve digits (`2557XXXXXXXX`), times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Outcome(StrEnum):
    """What a provider's answer means for the money."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # a definitive refusal: no money moved
    PENDING = "pending"  # accepted; the customer has not decided yet
    UNKNOWN = "unknown"  # money may have moved
    REVERSED = "reversed"  # it had succeeded and was taken back
    NOT_SENT = "not_sent"  # proof that the provider did not process the request


class Reason(StrEnum):
    """Why no money moved, in the words that the rest of the system shares."""

    WRONG_PIN = "wrong_pin"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CANCELLED = "cancelled"
    NO_ANSWER = "no_answer"
    LIMIT = "limit"
    BUSY = "busy"
    NOT_REGISTERED = "not_registered"
    DECLINED = "declined"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    CONFIGURATION = "configuration"  # our request or our account is wrong; staff must look


class Withheld(StrEnum):
    """Why we ourselves let no request leave; then it is NOT_SENT."""

    OUT_OF_ORDER = "out_of_order"  # the provider answers nobody: sending again soon is no use
    NOT_ITS_TURN = "not_its_turn"  # too many at once, or the provider asked us to wait a moment


class Signature(StrEnum):
    """How a callback's own signature checked out."""

    VALID = "valid"
    WRONG = "wrong"
    ABSENT = "absent"


class Reversal(StrEnum):
    """How far a provider takes a collection back at our request."""

    NONE = "none"
    FULL = "full"  # the whole amount or nothing
    PART = "part"  # any part of it, in total no more than the whole


class NoticeKind(StrEnum):
    """What a callback is about."""

    COLLECTION = "collection"  # money that we asked a phone for
    TRANSFER = "transfer"  # money that we sent, or asked to have sent back
    BILL = "bill"  # money that a customer has sent by the provider's own menu


class QuestionKind(StrEnum):
    """What a provider asks while a customer stands before its menu."""

    NAME = "name"  # whose reference is this; nothing is paid yet
    VALIDATION = "validation"  # may this be paid; nothing is paid yet
    PAYMENT = "payment"  # the customer's money has left: take it, or it goes back


class Verdict(StrEnum):
    """Our answer to such a question."""

    ACCEPTED = "accepted"
    UNKNOWN_REFERENCE = "unknown_reference"
    WRONG_AMOUNT = "wrong_amount"
    NOT_UNDERSTOOD = "not_understood"
    ASK_AGAIN = "ask_again"  # nothing is decided: our own trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a dialect is and what it can do.

    The last five are about outgoing money; a dialect disburses when its settings for that are set.
    """

    provider: str  # stored value: vodacom_mpesa, tigo_pesa or airtel_money
    dialect: str  # folder name, kept on each attempt
    name: str  # what a customer calls it
    amount_min: int
    amount_max: int
    can_query: bool
    query_without_handle: bool  # status can be asked by our own reference alone
    first_query_seconds: int  # asking sooner is not allowed, or tells nothing
    not_found_grace_seconds: int | None  # "not found" proves nothing before this; None: never
    signs_callbacks: bool = False  # then an unsigned callback is no evidence, whatever its path
    can_query_receipt: bool = False  # a receipt alone is told payer, amount and time of
    reversal: Reversal = Reversal.NONE
    disburses: bool = False
    can_query_disbursement: bool = False
    can_query_reversal: bool = False
    first_transfer_query_seconds: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One request to charge a phone."""

    reference: str  # ours: at most 12 of [A-Z0-9], unique for ever
    amount: int
    msisdn: str
    description: str
    callback_token: str  # unguessable, for dialects whose callback carries no reference of ours
    sent_before: bool = False  # then a refused duplicate is no refusal: the first was processed


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQuestion:
    """Which collection to ask about."""

    reference: str
    provider_reference: str  # the provider's handle from its first answer; "" if that was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptQuestion:
    """Which receipt to ask about: what a customer says it is, and nothing of ours."""

    receipt: str
    callback_token: str  # where the provider answers by callback


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One request to take a collection back, by the provider's own reversal."""

    reference: str  # ours, of this transfer: at most 12 of [A-Z0-9], unique for ever
    receipt: str  # the provider's, of the collection
    collection_reference: str  # ours, of the collection
    amount: int  # the whole of the collection where the description says FULL
    msisdn: str
    description: str
    callback_token: str
    sent_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disbursement:
    """One request to send money to a phone."""

    reference: str  # ours: at most 12 of [A-Z0-9], unique for ever
    amount: int
    msisdn: str
    description: str
    callback_token: str
    sent_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferQuestion:
    """Which refund or disbursement to ask about."""

    reference: str
    provider_reference: str  # the provider's handle from its first answer; "" if that was lost
    is_reversal: bool
    receipt: str  # of the collection that a reversal takes back; else ""
    collection_reference: str  # ours, of that collection; else ""
    callback_token: str  # where the provider answers by callback


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A provider's answer, whether to a call or by callback.

    `amount`, `currency`, `msisdn`, `short_code` and `paid_at` are None where the dialect does not tell
    them.
    `request` and `response` are redacted and safe to store and show.
    """

    outcome: Outcome
    reason: Reason | None = None
    withheld: Withheld | None = None  # why nothing left; None where the provider was tried
    code: str = ""  # the provider's own code
    message: str = ""
    receipt: str = ""  # the provider's transaction id that the customer sees in the SMS
    provider_reference: str = ""
    not_found: bool = False
    is_unlisted: bool = False  # a code that the sheet does not list: staff must look
    amount: int | None = None
    currency: str | None = None
    msisdn: str | None = None
    short_code: str | None = None
    paid_at: datetime | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A parsed callback: the news, and what identifies the attempt or transfer it is about.

    A BILL has what the customer typed as `bill_reference`; its receipt and amount are always there.
    """

    answer: Answer
    kind: NoticeKind = NoticeKind.COLLECTION
    reference: str = ""
    provider_reference: str = ""
    bill_reference: str = ""
    payer_name: str = ""
    signature: Signature = Signature.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class BillQuestion:
    """A question about a customer-initiated payment, which the provider asks and waits for."""

    kind: QuestionKind
    bill_reference: str  # as the customer typed it
    msisdn: str | None = None
    amount: int | None = None  # None where the question names none
    receipt: str = ""  # the provider's transaction id: a repeat of it gets the same answer
    short_code: str | None = None  # the business number that was dialled
    payload: Mapping[str, Any] = field(default_factory=dict)  # redacted


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDecision:
    """What we answer: `name` is shown to the payer, `our_id` names the decision for ever."""

    verdict: Verdict
    name: str = ""
    our_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What the provider wants to hear once its callback is stored."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the provider would accept our credentials now."""

    is_up: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What a provider told when asked; None where it cannot be asked or did not tell."""

    balance: int | None = None  # TZS that can be disbursed
    name: str | None = None  # of a number's holder


class MalformedCallback(ValueError):
    """The body is not a callback of this dialect. The message says what is wrong with it."""


class Provider(Protocol):
    """One wire dialect. Every method may be called from several threads at once."""

    description: Description

    def collect(self, request: Collection) -> Answer:
        """Ask the customer's phone for the money. Never raises for what the network or provider does."""
        ...

    def query(self, question: StatusQuestion) -> Answer:
        """Ask what became of a collection; repeatable. UNKNOWN where the dialect cannot tell.

        An answer that carries no information about the payment is UNKNOWN too.
        """
        ...

    def refund(self, request: Refund) -> Answer:
        """Have a collection taken back. Only called where the description has a `reversal`.

        SUCCEEDED means that the customer has the money again. Never raises, as `collect`.
        """
        ...

    def disburse(self, request: Disbursement) -> Answer:
        """Send money to a phone. Only called where the description `disburses`.

        What may have been processed is UNKNOWN, a duplicate too: the first request was taken then.
        """
        ...

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        """Ask what became of a refund or disbursement; repeatable. UNKNOWN where nothing is learnt.

        PENDING also means that the answer comes by callback.
        """
        ...

    def balance(self) -> Lookup:
        """How much can be disbursed now, where the provider tells."""
        ...

    def holder(self, msisdn: str) -> Lookup:
        """The name behind a number, where the provider tells."""
        ...

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Read a callback's raw body, of whatever kind. Raises MalformedCallback."""
        ...

    def acknowledge(self, body: bytes) -> Acknowledgement:
        """The provider's own acknowledgement for any stored body, however malformed. Never raises."""
        ...

    def health(self) -> Health:
        """Try the credentials, without moving money."""
        ...


class AsksBills(Protocol):
    """A dialect whose provider asks us about customer-initiated payments and waits for the answer."""

    def read_question(self, body: bytes, headers: Mapping[str, str]) -> BillQuestion:
        """Read a question's raw body. Raises MalformedCallback."""
        ...

    def answer_question(
        self, question: BillQuestion | None, decision: BillDecision
    ) -> Acknowledgement:
        """The answer in the provider's format; `question` is None when it could not be read."""
        ...


class KnowsReceipts(Protocol):
    """A dialect whose description says `can_query_receipt`."""

    def query_receipt(self, question: ReceiptQuestion) -> Answer:
        """Ask what a receipt is of; repeatable. PENDING when the answer comes by callback.

        SUCCEEDED means that the money came, and names receipt, amount, payer, short code and time.
        """
        ...

    def read_receipt(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The same from a callback's raw body. Raises MalformedCallback."""
        ...
