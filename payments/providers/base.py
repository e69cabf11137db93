"""What every payment provider's dialect must offer, and the plain values it speaks.

Nothing here knows Django, the database or a particular provider.
Amounts are whole shillings (TZS), an MSISDN is twelve digits (`2557XXXXXXXX`), times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


class Signature(StrEnum):
    """How a callback's own signature checked out."""

    VALID = "valid"
    WRONG = "wrong"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a dialect is and what it can do."""

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
class Answer:
    """A provider's answer, whether to a call or by callback.

    `amount`, `currency`, `msisdn` and `short_code` are None where the dialect does not tell them.
    `request` and `response` are redacted and safe to store and show.
    """

    outcome: Outcome
    reason: Reason | None = None
    code: str = ""  # the provider's own code
    message: str = ""
    receipt: str = ""  # the provider's transaction id that the customer sees in the SMS
    provider_reference: str = ""
    not_found: bool = False
    amount: int | None = None
    currency: str | None = None
    msisdn: str | None = None
    short_code: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A parsed callback: the news, and what identifies the attempt it is about."""

    answer: Answer
    reference: str = ""
    provider_reference: str = ""
    signature: Signature = Signature.ABSENT


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

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Read a callback's raw body. Raises MalformedCallback."""
        ...

    def acknowledge(self, body: bytes) -> Acknowledgement:
        """The provider's own acknowledgement for any stored body, however malformed. Never raises."""
        ...

    def health(self) -> Health:
        """Try the credentials, without moving money."""
        ...
