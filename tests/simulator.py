"""The simulator's control: what customers and providers do next, and the money that really moved."""

from __future__ import annotations

from typing import Any

import requests

PREFIXES = {"vodacom_mpesa": "75", "tigo_pesa": "71", "airtel_money": "68"}
PAYS = "000001"
WRONG_PIN = "000002"
INSUFFICIENT_FUNDS = "000003"
CANCELLED = "000004"
NEVER_ANSWERS = "000005"
CALLBACK_LOST = "000006"
CALLBACK_TWICE = "000007"
CALLBACK_FIRST = "000008"
ERROR_AFTER_CHARGING = "000009"
SLOW = "000010"

PROVIDERS = tuple(PREFIXES)
USUAL: dict[str, Any] = {
    "answer_seconds": 0.3,  # until a customer acts
    "slow_seconds": 3,
    "prompt_seconds": 60,
    **{provider: {"collect": {"latency_seconds": 0, "error_rate": 0}} for provider in PROVIDERS},
}


def special(ending: str, provider: str, series: int = 0) -> str:
    """A number whose customer acts without a hand, in E.164; ten series of each."""
    return f"+255{PREFIXES[provider]}{series}{ending}"


class Simulator:
    """A running simulator, at its base URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def configure(self, **changes: Any) -> None:
        """Change how providers and customers behave; what is not named stays."""
        response = requests.post(f"{self._url}/control/config", json=changes, timeout=10)
        assert response.ok, response.text

    def behave_as_usual(self) -> None:
        self.configure(**USUAL)

    def answers_after(self, seconds: float) -> None:
        """How long a provider takes to answer a request to charge a phone."""
        self.configure(
            **{provider: {"collect": {"latency_seconds": seconds}} for provider in PROVIDERS}
        )

    def charges(self, phone: str) -> list[dict[str, Any]]:
        """What was really taken from a phone's wallet."""
        msisdn = phone.removeprefix("+")
        return [each for each in self._truth()["movements"] if each["msisdn"] == msisdn]

    def prompts(self) -> int:
        """How many prompts phones were shown, of all providers together."""
        return sum(self._truth()["prompts"].values())

    def came_in(self, reference: str) -> list[dict[str, Any]]:
        """What was really paid under a reference of ours."""
        movements = self._truth()["movements"]
        return [each for each in movements if each["our_reference"].endswith(reference)]

    def went_out(self, **facts: str) -> list[dict[str, Any]]:
        """What was really sent, or given back, of which these facts are true."""
        return [each for each in self._truth()["outgoing"] if facts.items() <= each.items()]

    def pays_bill(
        self, provider: str, msisdn: str, reference: str, amount: int, times: int = 1
    ) -> dict[str, Any]:
        """What becomes of a bill that a customer pays from the phone's own menu.

        The provider says the last thing that it has to say of it so many times.
        """
        wish: dict[str, Any] = {"provider": provider, "msisdn": msisdn, "reference": reference}
        wish |= {"amount": amount, "times": times}
        response = requests.post(f"{self._url}/control/paybill", json=wish, timeout=60)
        assert response.ok, response.text
        bill: dict[str, Any] = response.json()["bill"]
        return bill

    def texts(self, phone: str) -> list[str]:
        """The SMS that were sent to a phone, the oldest first."""
        query = {"msisdn": phone.removeprefix("+")}
        found = requests.get(f"{self._url}/control/texts", params=query, timeout=10).json()
        return [each["text"] for each in found["texts"]]

    def waiting(self) -> int:
        """How many phones are asked now."""
        return int(self._truth()["prompts"]["waiting"])

    def statement(self, provider: str) -> dict[str, Any]:
        """What the provider would have us download about our two accounts."""
        url = f"{self._url}/control/statement/{provider}"
        statement: dict[str, Any] = requests.get(url, timeout=30).json()
        return statement

    def _truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = requests.get(f"{self._url}/control/truth", timeout=10).json()
        return truth
