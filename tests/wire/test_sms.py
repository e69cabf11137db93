"""SMS over the wire: what each phone's provider answers and reports, and what was really sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest

from notifications.channels.africastalking import AfricasTalking, AfricasTalkingConfig
from notifications.channels.base import Channel, Credit, InDoubt, Misconfigured, NotAccepted
from notifications.channels.beem import Beem, BeemConfig, read_report
from notifications.channels.registry import REPORTS
from notifications.channels.reports import Report
from payments.providers.base import Acknowledgement
from tests.simulator import Simulator
from tests.waiting import wait_until
from tests.wire.ear import Ear

TOLD_SECONDS = 10


@dataclass(frozen=True)
class Line:
    """One channel, and the provider's reports as they come."""

    channel: Channel
    ear: Ear
    prefix: str  # of the phones of this channel's tests, which nobody else writes to

    def phone(self, ending: str) -> str:
        return f"+255{self.prefix}{ending}"

    def send(self, ending: str) -> str:
        return self.channel.send(to=self.phone(ending), text="Habari yako", subject="")

    def reports(self, reference: str, count: int) -> list[Report]:
        """What was reported of a message, once it is that much."""

        def found() -> list[Report]:
            heard = self.ear.heard(f"/sms/{self.channel.name}")
            read = [REPORTS[self.channel.name](_facts(each.body)) for each in heard]
            return [report for report in read if report.reference == reference]

        wait_until(lambda: len(found()) >= count, TOLD_SECONDS)
        return found()


def _facts(body: bytes) -> Mapping[str, Any]:
    text = body.decode()
    facts: Mapping[str, Any] = json.loads(text) if text[0] == "{" else dict(parse_qsl(text))
    return facts


def beem(environment: Mapping[str, str], **changes: str) -> Beem:
    return Beem(
        BeemConfig(
            **{
                "api_key": environment["BEEM_API_KEY"],
                "secret_key": environment["BEEM_SECRET_KEY"],
                "sender": environment["BEEM_SENDER"],
                "base_url": environment["BEEM_BASE_URL"],
                **changes,
            }
        )
    )


def africastalking(environment: Mapping[str, str], **changes: str) -> AfricasTalking:
    return AfricasTalking(
        AfricasTalkingConfig(
            **{
                "username": environment["AFRICASTALKING_USERNAME"],
                "api_key": environment["AFRICASTALKING_API_KEY"],
                "sender": environment["AFRICASTALKING_SENDER"],
                "base_url": environment["AFRICASTALKING_BASE_URL"],
                **changes,
            }
        )
    )


CHANNELS: dict[str, tuple[Callable[..., Channel], str]] = {
    "beem": (beem, "754"),
    "africastalking": (africastalking, "684"),
}


@pytest.fixture(params=CHANNELS)
def line(
    request: pytest.FixtureRequest,
    environment: Mapping[str, str],
    ear: Ear,
    simulator: Simulator,
) -> Line:
    build, prefix = CHANNELS[request.param]
    ear.answer("/sms/", lambda body, headers: Acknowledgement(status=200, body=b"{}"))
    return Line(build(environment), ear, prefix)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("123456", ["pending", "delivered"]),
        ("000071", ["pending", "undelivered"]),
        ("000072", []),
        ("000073", ["delivered", "delivered"]),
        ("000074", ["delivered", "pending"]),
        ("000075", ["pending"]),
        ("000076", ["delivered"]),
    ],
)
def test_what_is_sent_is_accepted_and_reported(
    line: Line, simulator: Simulator, ending: str, told: list[str]
) -> None:
    before = len(simulator.texts(line.phone(ending)))
    reference = line.send(ending)
    assert len(simulator.texts(line.phone(ending))) == before + 1
    assert [report.delivery for report in line.reports(reference, len(told))] == told


@pytest.mark.parametrize(
    ("ending", "told"),
    [("000072", "delivered"), ("000071", "undelivered"), ("000075", "pending")],
)
def test_beem_tells_whoever_asks(
    environment: Mapping[str, str], simulator: Simulator, ending: str, told: str
) -> None:
    channel, phone = beem(environment), f"+255755{ending}"
    reference = channel.send(to=phone, text="Habari yako", subject="")

    def asked() -> list[Report]:
        return [read_report(each) for each in channel.told_of(to=phone, reference=reference)]

    wait_until(lambda: asked()[0].word != "PENDING", TOLD_SECONDS)
    assert [(each.reference, each.delivery) for each in asked()] == [(reference, told)]
    assert channel.told_of(to=phone, reference="1") == []


@pytest.mark.parametrize(("ending", "is_permanent"), [("000077", True), ("000078", False)])
def test_what_is_refused_was_not_sent(
    line: Line, simulator: Simulator, ending: str, is_permanent: bool
) -> None:
    with pytest.raises(NotAccepted) as refused:
        line.send(ending)
    assert refused.value.permanent is is_permanent
    assert simulator.texts(line.phone(ending)) == []


@pytest.mark.parametrize("ending", ["000079", "000080", "000082"])
def test_what_is_in_doubt_was_sent_once(line: Line, simulator: Simulator, ending: str) -> None:
    before = len(simulator.texts(line.phone(ending)))
    with pytest.raises(InDoubt):
        line.send(ending)
    assert len(simulator.texts(line.phone(ending))) == before + 1


@pytest.mark.parametrize("answer_as", ["html", "empty", "truncated", "gigantic"])
def test_an_answer_that_says_nothing_is_a_doubt(
    line: Line, simulator: Simulator, answer_as: str
) -> None:
    fault = {"error_rate": 1, "error_when": "after", "answer_as": answer_as, "error_status": 502}
    simulator.configure(gigantic_bytes=1_000_000, **{line.channel.name: {"send": fault}})
    try:
        with pytest.raises(InDoubt):
            line.send("654321")
    finally:
        simulator.configure(**{line.channel.name: {"send": {"error_rate": 0}}})


def test_wrong_credentials_and_senders_are_our_accounts_trouble(
    environment: Mapping[str, str], simulator: Simulator
) -> None:
    wrong = (
        beem(environment, secret_key="wrong"),
        africastalking(environment, api_key="wrong"),
        africastalking(environment, sender="SOMEBODY"),
    )
    for channel in wrong:
        with pytest.raises(Misconfigured):
            channel.send(to="+255754123999", text="Habari", subject="")
    assert simulator.texts("+255754123999") == []


def test_the_providers_know_what_is_left(
    environment: Mapping[str, str], simulator: Simulator
) -> None:
    """The balance is charged by parts, as both documents have it."""
    channel = beem(environment)
    before = channel.credit()
    channel.send(to="+255754123998", text="a" * 161, subject="")
    assert channel.credit() == Credit(before.amount - 2, "SMS")
    assert africastalking(environment).credit().unit == "TZS"
