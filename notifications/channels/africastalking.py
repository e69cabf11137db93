"""SMS by Africa's Talking (fact sheet, 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from common import phone as phones
from notifications.channels.base import (
    Credit,
    InDoubt,
    Misconfigured,
    NotAccepted,
    OutOfCredit,
    TurnedAway,
    Unwanted,
)
from notifications.channels.http import Answer, get, post, refusal_by_status
from notifications.channels.reports import Delivery, Report, text_of

OK = 200
CREATED = 201
ACCEPTED = frozenset({"100", "101", "102"})
MISCONFIGURED = frozenset({"401", "402"})
FINAL = frozenset({"403", "404", "407"})
UNWANTED = frozenset({"406", "409"})
NO_BALANCE = "405"
TURNED_AWAY = "502"
BALANCE = re.compile(r"(?P<unit>[A-Z]{3}) +(?P<amount>-?[0-9]+(\.[0-9]+)?)")
NO_ID = "None"  # as recorded answers have it where there is none
# "Success" means accepted in an answer and delivered in a report (2.2): only reports are read here.
BLACK_LISTED = "userinblacklist"
DELIVERIES = {
    "success": Delivery.DELIVERED,
    "failed": Delivery.UNDELIVERED,
    "rejected": Delivery.UNDELIVERED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AfricasTalkingConfig:
    username: str
    api_key: str = field(repr=False)
    sender: str
    base_url: str


class AfricasTalking:
    name = "africastalking"

    def __init__(self, config: AfricasTalkingConfig) -> None:
        self._config = config

    def send(self, *, to: str, text: str, subject: str) -> str:
        answer = post(
            f"{self._config.base_url}/version1/messaging",
            headers=self._headers,
            form={
                "username": self._config.username,
                "to": to,
                "message": text,
                "from": self._config.sender,
                "bulkSMSMode": "1",
                "enqueue": "1",
            },
        )
        return _reference(answer)

    def credit(self) -> Credit:
        return _credit(
            get(
                f"{self._config.base_url}/version1/user",
                headers=self._headers,
                params={"username": self._config.username},
            )
        )

    @property
    def _headers(self) -> dict[str, str]:
        return {"apiKey": self._config.api_key, "Accept": "application/json"}


def _credit(answer: Answer) -> Credit:
    """Of `UserData.balance` such as "TZS 1234.56" (2.4). Raises NotAccepted, InDoubt."""
    data = (answer.json or {}).get("UserData")
    if answer.status != OK or not isinstance(data, dict):
        raise refusal_by_status(answer.status)
    found = BALANCE.fullmatch(text_of(data.get("balance")).replace(",", ""))
    if not found:
        raise InDoubt("Africa's Talking does not tell what is left")
    return Credit(float(found["amount"]), found["unit"])


def _reference(answer: Answer) -> str:
    """The message's id, once it is accepted. Raises NotAccepted, InDoubt."""
    data = (answer.json or {}).get("SMSMessageData")
    if answer.status != CREATED or not isinstance(data, dict):
        raise refusal_by_status(answer.status)
    recipients = data.get("Recipients")
    if not isinstance(recipients, list):
        raise InDoubt("Africa's Talking told of no recipients")
    if not recipients:  # the request is refused, and only the words say why (2.2, trap 1)
        raise _refused_request(text_of(data.get("Message")))
    if len(recipients) != 1 or not isinstance(recipients[0], dict):
        raise InDoubt("Africa's Talking told of somebody else")
    recipient = recipients[0]
    code = text_of(recipient.get("statusCode"))
    if code not in ACCEPTED:
        raise _refusal(code, text_of(recipient.get("status")))
    found = text_of(recipient.get("messageId"))
    return "" if found == NO_ID else found


def _refused_request(words: str) -> NotAccepted:
    told = f"Africa's Talking: {words}"
    if re.search(r"sender", words, re.IGNORECASE):
        return Misconfigured(told)
    if re.search(r"balance", words, re.IGNORECASE):
        return OutOfCredit(told)
    return NotAccepted(told, permanent=True)


def _refusal(code: str, words: str) -> NotAccepted | InDoubt:
    told = f"Africa's Talking {code}: {words}"
    if code in MISCONFIGURED:
        return Misconfigured(told)
    if code in FINAL:
        return NotAccepted(told, permanent=True)
    if code in UNWANTED:
        return Unwanted(told)
    if code == NO_BALANCE:
        return OutOfCredit(told)
    if code == TURNED_AWAY:
        return TurnedAway(told)
    return InDoubt(told)


def read_report(facts: Mapping[str, Any]) -> Report:
    """What Africa's Talking posts, form-encoded, about a message (2.3)."""
    word, reason = text_of(facts.get("status")), text_of(facts.get("failureReason"))
    return Report(
        reference=text_of(facts.get("id")),
        word=word,
        reason=reason,
        delivery=DELIVERIES.get(word.lower(), Delivery.PENDING),
        is_unwanted=reason.lower() == BLACK_LISTED,
    )


def read_opt_out(facts: Mapping[str, Any]) -> str:
    """The phone whose holder wants no more messages, as the opt-out's own callback names it (2.4); ""
    for any other.
    """
    if "senderId" not in facts or "id" in facts:
        return ""
    with suppress(phones.InvalidPhoneNumber):
        return phones.parse(text_of(facts.get("phoneNumber")))
    return ""
