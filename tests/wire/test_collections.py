"""Each adapter asks each special number for money, by the real wire, and understands what follows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from payments.providers.base import Answer, Collection, Notice, Outcome, Reason, Signature
from tests import simulator as numbers
from tests.simulator import Simulator
from tests.waiting import wait_until
from tests.wire.sides import AMOUNT, TOLD_SECONDS, Side

Meaning = tuple[Outcome, Reason | None]

PAID: Meaning = (Outcome.SUCCEEDED, None)
PENDING: Meaning = (Outcome.PENDING, None)
UNKNOWN: Meaning = (Outcome.UNKNOWN, None)


def failed(reason: Reason) -> Meaning:
    return Outcome.FAILED, reason


WRONG_PIN, CANCELLED = failed(Reason.WRONG_PIN), failed(Reason.CANCELLED)
NO_FUNDS, NO_ANSWER = failed(Reason.INSUFFICIENT_FUNDS), failed(Reason.NO_ANSWER)
DECLINED = failed(Reason.DECLINED)


@dataclass(frozen=True)
class Story:
    """What happens to one special number: how the request is answered, and what is told then."""

    ending: str
    told: tuple[Meaning, ...]
    answer: Meaning = PENDING
    amount: int = AMOUNT  # that is told, where the dialect tells it
    paid: int = AMOUNT


STORIES = {
    "pays": Story(numbers.PAYS, (PAID,)),
    "wrong PIN": Story(numbers.WRONG_PIN, (WRONG_PIN,), paid=0),
    "no funds": Story(numbers.INSUFFICIENT_FUNDS, (NO_FUNDS,), paid=0),
    "declines": Story(numbers.CANCELLED, (CANCELLED,), paid=0),
    "never answers": Story(numbers.NEVER_ANSWERS, (NO_ANSWER,), paid=0),
    "callback lost": Story(numbers.CALLBACK_LOST, ()),
    "callback twice": Story(numbers.CALLBACK_TWICE, (PAID, PAID)),
    "callback first": Story(numbers.CALLBACK_FIRST, (PAID,)),
    "500 after charging": Story(numbers.ERROR_AFTER_CHARGING, (PAID,), answer=UNKNOWN),
    "slow": Story(numbers.SLOW, (PAID,)),
    "cut after charging": Story("000011", (PAID,), answer=UNKNOWN),
    "pays late": Story("000012", (NO_ANSWER, PAID)),
    "pays half": Story("000013", (PAID,), amount=AMOUNT // 2, paid=AMOUNT // 2),
    "pays twice as much": Story("000014", (PAID,), amount=2 * AMOUNT, paid=2 * AMOUNT),
    "success, then failure": Story("000015", (PAID, CANCELLED)),
    "failure, then success": Story("000016", (CANCELLED, PAID)),
    "another amount": Story("000017", (PAID,), amount=AMOUNT + 1),
    "another phone": Story("000018", (PAID,)),
    "somebody else's success": Story("000019", (PAID, CANCELLED), paid=0),
    "not registered": Story("000020", (), answer=failed(Reason.NOT_REGISTERED), paid=0),
}
TOLD_IN_OTHER_WORDS: dict[str, dict[Meaning, Meaning]] = {
    # Fact sheet 1.8: no codes of their own for a wrong PIN and a refusal; a time-out is open.
    "mpesa_openapi": {WRONG_PIN: DECLINED, CANCELLED: DECLINED, NO_ANSWER: UNKNOWN},
}
# A status query of the Open API has words where its answer has none, and none for the rest.
FOUND_IN_OTHER_WORDS: dict[str, dict[Meaning, Meaning]] = {
    "mpesa_openapi": {WRONG_PIN: DECLINED, NO_FUNDS: DECLINED},
}
DIALECTS = ("mpesa_daraja", "mpesa_openapi", "tigo_pesa", "airtel_money")
each_story = pytest.mark.parametrize("name", STORIES)
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@dataclass(frozen=True)
class Journey:
    """One request for money, and the answer to it."""

    side: Side
    story: Story
    request: Collection
    answer: Answer

    def told(self) -> list[Notice]:
        return self.side.told(self.request, len(self.expected()))

    def expected(self) -> list[Meaning]:
        others = TOLD_IN_OTHER_WORDS.get(self.side.dialect, {})
        told = [others.get(meaning, meaning) for meaning in self.story.told]
        # A stranger does not know the secret end of the path of Daraja's callbacks.
        is_forged = self.story is STORIES["somebody else's success"]
        return told[1:] if is_forged and self.side.names_token else told


@pytest.fixture(scope="module")
def sides(daraja: Side, openapi: Side, tigo: Side, airtel: Side) -> list[Side]:
    return [daraja, openapi, tigo, airtel]


@pytest.fixture(scope="module")
def journeys(simulator: Simulator, sides: list[Side]) -> dict[tuple[str, str], Journey]:
    """Everybody at once, by story and dialect; the Open API tells its results by callback."""
    simulator.configure(vodacom_mpesa={"openapi_mode": "async"})
    found = _started([(name, side) for name in STORIES for side in sides])
    simulator.configure(vodacom_mpesa={"openapi_mode": "sync"})
    return found


@pytest.fixture(scope="module")
def at_once(
    simulator: Simulator, openapi: Side, journeys: dict[tuple[str, str], Journey]
) -> dict[tuple[str, str], Journey]:
    """The Open API's other mode, in which the answer itself is the result."""
    simulator.configure(vodacom_mpesa={"openapi_mode": "sync"})
    return _started([(name, openapi) for name in STORIES])


def _started(wishes: list[tuple[str, Side]]) -> dict[tuple[str, str], Journey]:
    def start(wish: tuple[str, Side]) -> Journey:
        name, side = wish
        return Journey(side, STORIES[name], *side.collect(STORIES[name].ending))

    with ThreadPoolExecutor(len(wishes)) as everybody:
        started = everybody.map(start, wishes)
        return {
            (name, side.dialect): each for (name, side), each in zip(wishes, started, strict=True)
        }


@each_dialect
@each_story
def test_the_request_is_answered_and_its_end_is_told(
    simulator: Simulator, journeys: dict[tuple[str, str], Journey], name: str, dialect: str
) -> None:
    journey = journeys[name, dialect]
    assert _meaning(journey.answer) == _expected_answer(journey)
    told = journey.told()
    assert [_meaning(notice.answer) for notice in told] == journey.expected()
    paid = simulator.came_in(journey.request.reference)
    assert sum(each["amount"] for each in paid) == journey.story.paid
    for notice in told:
        _assert_true_in_detail(journey, notice, [each["receipt"] for each in paid])


def _expected_answer(journey: Journey) -> Meaning:
    if journey.story is STORIES["not registered"] and journey.side.dialect == "mpesa_daraja":
        return failed(Reason.CONFIGURATION)  # "Invalid PhoneNumber", as for any field
    return journey.story.answer


def _assert_true_in_detail(journey: Journey, notice: Notice, receipts: list[str]) -> None:
    answer, request = notice.answer, journey.request
    if answer.outcome != Outcome.SUCCEEDED or journey.story.paid == 0:
        return
    assert [answer.receipt] == receipts
    assert answer.amount in (None, journey.story.amount)
    is_other_phone = journey.story is STORIES["another phone"]
    assert answer.msisdn is None or (answer.msisdn != request.msisdn) == is_other_phone
    assert answer.short_code in (None, "600100")


@pytest.mark.parametrize("dialect", ["mpesa_daraja", "mpesa_openapi", "airtel_money"])
@each_story
def test_what_is_asked_afterwards_is_the_truth(
    journeys: dict[tuple[str, str], Journey], name: str, dialect: str
) -> None:
    journey = journeys[name, dialect]
    journey.told()
    found = journey.side.ask(journey.request, journey.answer)
    has_no_key = dialect == "mpesa_daraja" and not journey.answer.provider_reference
    if journey.answer.outcome == Outcome.FAILED or has_no_key:
        assert _meaning(found) == UNKNOWN
    else:
        assert _meaning(found) == _truth(journey)
        assert found.receipt or found.outcome != Outcome.SUCCEEDED or dialect == "mpesa_daraja"


def _truth(journey: Journey) -> Meaning:
    if journey.story.paid:
        return PAID
    others = FOUND_IN_OTHER_WORDS.get(journey.side.dialect, {})
    return others.get(journey.story.told[-1], journey.story.told[-1])


def test_tigo_cannot_be_asked(journeys: dict[tuple[str, str], Journey]) -> None:
    journey = journeys["pays", "tigo_pesa"]
    assert journey.side.ask(journey.request, journey.answer).outcome == Outcome.UNKNOWN


def test_only_airtels_own_callbacks_carry_its_signature(
    journeys: dict[tuple[str, str], Journey],
) -> None:
    forged, true = journeys["somebody else's success", "airtel_money"].told()
    assert (forged.signature, true.signature) == (Signature.WRONG, Signature.VALID)


@each_story
def test_in_synchronous_mode_the_answer_is_the_result(
    simulator: Simulator, at_once: dict[tuple[str, str], Journey], name: str
) -> None:
    journey = at_once[name, "mpesa_openapi"]
    story, reference = journey.story, journey.request.reference
    assert _meaning(journey.answer) == _result_at_once(name, story)
    wait_until(lambda: not story.paid or simulator.came_in(reference), TOLD_SECONDS)
    found = journey.side.ask(journey.request, journey.answer)
    assert _meaning(found) == (_truth(journey) if story.told or story.paid else UNKNOWN)
    assert journey.side.told(journey.request, 0) == []


def _result_at_once(name: str, story: Story) -> Meaning:
    """What is lost, and what ends otherwise later, is open."""
    if name in ("callback lost", "500 after charging", "cut after charging", "pays late"):
        return UNKNOWN
    if story.paid or not story.told:
        return PAID if story.paid else story.answer
    return TOLD_IN_OTHER_WORDS["mpesa_openapi"].get(story.told[-1], story.told[-1])


def _meaning(answer: Answer) -> Meaning:
    return answer.outcome, answer.reason
