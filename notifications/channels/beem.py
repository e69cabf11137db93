"""SMS by Beem Africa (fact sheet, 1). One recipient a request: its answer counts them only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common import phone as phones
from notifications.channels.base import Credit, InDoubt, Misconfigured, NotAccepted, OutOfCredit
from notifications.channels.http import Answer, get, post, refusal_by_status
from notifications.channels.reports import Delivery, Report, text_of

PLAIN = 0  # encoding; the value of UCS-2 is contradicted (1.1), so all SMS are kept to GSM-7
RECIPIENT = 1
OK = 200
SERVER_ERROR = 500
NOT_FOUND = 404
ACCEPTED = "100"
BAD_NUMBER = "101"
NO_BALANCE = "102"
OUR_MISTAKE = "104"
NO_ACCOUNT = "105"
MISCONFIGURED = frozenset({NO_ACCOUNT, "106", "107", "108"})
# A second guide gives 102, 103 and 105 other meanings (1.2): the words tell which it is.
NUMBER = ("phone", "number")
LOGIN = ("auth", "token", "credential")
CREDIT = ("balance", "credit")
DELIVERIES = {
    "delivered": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "rejected": Delivery.UNDELIVERED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeemConfig:
    api_key: str
    secret_key: str = field(repr=False)
    sender: str
    base_url: str

    @property
    def reports_url(self) -> str:
        """Beem's reports have a host of their own (1.3); a stand-in has one for both."""
        return self.base_url.replace("//apisms.", "//dlrapi.")


class Beem:
    name = "beem"

    def __init__(self, config: BeemConfig) -> None:
        self._config = config

    def send(self, *, to: str, text: str, subject: str) -> str:
        answer = post(
            f"{self._config.base_url}/v1/send",
            login=(self._config.api_key, self._config.secret_key),
            json_body={
                "source_addr": self._config.sender,
                "schedule_time": "",
                "encoding": PLAIN,
                "message": text,
                "recipients": [{"recipient_id": RECIPIENT, "dest_addr": phones.msisdn(to)}],
            },
        )
        return _reference(answer)

    def told_of(self, *, to: str, reference: str) -> list[Mapping[str, Any]]:
        answer = get(
            f"{self._config.reports_url}/public/v1/delivery-reports",
            login=(self._config.api_key, self._config.secret_key),
            params={"dest_addr": phones.msisdn(to), "request_id": reference},
        )
        if answer.status == NOT_FOUND:
            return []
        if answer.status != OK or answer.content is None:
            raise refusal_by_status(answer.status)
        return [each for each in answer.objects if read_report(each).reference == reference]

    def credit(self) -> Credit:
        return _credit(
            get(
                f"{self._config.base_url}/public/v1/vendors/balance",
                login=(self._config.api_key, self._config.secret_key),
            )
        )


def _credit(answer: Answer) -> Credit:
    """Of `data.credit_balance`, a number of SMS (1.4). Raises NotAccepted, InDoubt."""
    data = (answer.json or {}).get("data")
    if answer.status != OK or not isinstance(data, dict):
        raise refusal_by_status(answer.status)
    try:
        return Credit(float(data["credit_balance"]), "SMS")
    except (KeyError, TypeError, ValueError) as error:
        raise InDoubt("Beem does not tell what is left") from error


def _reference(answer: Answer) -> str:
    """The request's id, once the message is accepted. Raises NotAccepted, InDoubt."""
    body = answer.json
    if body is None:
        raise refusal_by_status(answer.status)
    code = text_of(body.get("code"))
    if answer.status != OK or code != ACCEPTED:
        raise _refusal(answer.status, code, text_of(body.get("message")))
    accepted = text_of(body.get("valid"))
    if not accepted.isdecimal():
        raise InDoubt("Beem does not say whether it accepted the number")
    if int(accepted) == 0:
        raise NotAccepted("Beem accepted nobody: the number is invalid", permanent=True)
    return text_of(body.get("request_id"))


def _refusal(status: int, code: str, words: str) -> NotAccepted | InDoubt:
    if status >= SERVER_ERROR or code in ("", str(status)):
        return refusal_by_status(status, words)
    told = f"Beem {code}: {words}"
    if _names(words, CREDIT):
        return OutOfCredit(told)
    if code in (BAD_NUMBER, OUR_MISTAKE) or (code == NO_ACCOUNT and _names(words, NUMBER)):
        return NotAccepted(told, permanent=True)
    if code in MISCONFIGURED or (code == NO_BALANCE and _names(words, LOGIN)):
        return Misconfigured(told)
    if code == NO_BALANCE:
        return OutOfCredit(told)
    return InDoubt(told)


def read_report(facts: Mapping[str, Any]) -> Report:
    """What Beem posts about one recipient of a request (1.3): `Status`, or `status` with others."""
    word = text_of(facts.get("Status")) or text_of(facts.get("status"))
    return Report(
        reference=text_of(facts.get("request_id")),
        word=word,
        reason="",
        delivery=DELIVERIES.get(word.lower(), Delivery.PENDING),
    )


def _names(words: str, names: tuple[str, ...]) -> bool:
    return any(name in words.lower() for name in names)
