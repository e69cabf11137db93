"""Each adapter sends money and gives it back, by the real wire, and understands what follows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from payments.providers.base import (
    Answer,
    Collection,
    Disbursement,
    KnowsReceipts,
    NoticeKind,
    Outcome,
    Reason,
    ReceiptQuestion,
)
from tests.simulator import Simulator
from tests.waiting import wait_until
from tests.wire.sides import AMOUNT, TOLD_SECONDS, Side

Meaning = tuple[Outcome, Reason | None]

PAID: Meaning = (Outcome.SUCCEEDED, None)
PENDING: Meaning = (Outcome.PENDING, None)
UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
NOT_REGISTERED: Meaning = (Outcome.FAILED, Reason.NOT_REGISTERED)
DECLINED: Meaning = (Outcome.FAILED, Reason.DECLINED)

DARAJA, OPENAPI, TIGO, AIRTEL = "mpesa_daraja", "mpesa_openapi", "tigo_pesa", "airtel_money"
DIALECTS = (DARAJA, OPENAPI, TIGO, AIRTEL)
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@dataclass(frozen=True)
class Story:
    """What becomes of money for one special number.

    `answer` is what a dialect says that answers at once; Daraja tells `told` by callback, after an
    answer that the request was taken.
    """

    ending: str
    answer: Meaning
    told: tuple[Meaning, ...]
    is_paid: bool = True
    is_broken: bool = False  # then no answer can be read


STORIES = {
    "paid": Story("000001", PAID, (PAID,)),
    "not registered": Story("000020", NOT_REGISTERED, (NOT_REGISTERED,), is_paid=False),
    "unclear, and paid": Story("000051", UNKNOWN, (UNKNOWN,)),
    "unclear, and not paid": Story("000052", UNKNOWN, (UNKNOWN,), is_paid=False),
    "500 after paying": Story("000053", UNKNOWN, (PAID,), is_broken=True),
    "cut after paying": Story("000054", UNKNOWN, (PAID,), is_broken=True),
    "callback lost": Story("000055", PAID, ()),
    "callback twice": Story("000056", PAID, (PAID, PAID)),
    "in progress": Story("000057", PENDING, (PAID,)),
    "slow": Story("000058", PAID, (PAID,)),
}
IN_PROGRESS = "in progress"
# Numbers that are refused with a code of the provider's own, and what the code means.
REFUSED: dict[str, tuple[str, Meaning]] = {
    DARAJA: ("902040", NOT_REGISTERED),
    OPENAPI: ("902051", NOT_REGISTERED),
    TIGO: ("960021", (Outcome.FAILED, Reason.LIMIT)),
    AIRTEL: ("901003", (Outcome.FAILED, Reason.LIMIT)),
}


@dataclass(frozen=True)
class Journey:
    """One payout, and the answer to it."""

    side: Side
    story: Story
    request: Disbursement
    answer: Answer


@pytest.fixture(scope="module")
def sides(daraja: Side, openapi: Side, tigo: Side, airtel: Side) -> dict[str, Side]:
    return {side.dialect: side for side in (daraja, openapi, tigo, airtel)}


@pytest.fixture(scope="module")
def journeys(sides: dict[str, Side]) -> dict[tuple[str, str], Journey]:
    """Every payout at once, by story and dialect."""

    def start(wish: tuple[str, str]) -> Journey:
        name, dialect = wish
        side, story = sides[dialect], STORIES[name]
        return Journey(side, story, *side.disburse(story.ending))

    wishes = [(name, dialect) for name in STORIES for dialect in DIALECTS]
    with ThreadPoolExecutor(len(wishes)) as everybody:
        return dict(zip(wishes, everybody.map(start, wishes), strict=True))


@each_dialect
@pytest.mark.parametrize("name", STORIES)
def test_a_payout_is_answered_as_it_goes(
    simulator: Simulator, journeys: dict[tuple[str, str], Journey], name: str, dialect: str
) -> None:
    journey = journeys[name, dialect]
    assert _meaning(journey.answer) == _expected_answer(name, dialect)
    sent = simulator.went_out(type="disbursement", our_reference=journey.request.reference)
    assert [each["amount"] for each in sent] == [-AMOUNT] * journey.story.is_paid
    if journey.answer.outcome == Outcome.SUCCEEDED:
        assert [journey.answer.receipt] == [each["receipt"] for each in sent]


def _expected_answer(name: str, dialect: str) -> Meaning:
    story = STORIES[name]
    if dialect == DARAJA:
        return UNKNOWN if story.is_broken else PENDING
    return PAID if name == IN_PROGRESS and dialect == TIGO else story.answer


@pytest.mark.parametrize("name", STORIES)
def test_daraja_tells_the_result(
    simulator: Simulator, journeys: dict[tuple[str, str], Journey], name: str
) -> None:
    journey = journeys[name, DARAJA]
    told = journey.side.told(journey.request, len(journey.story.told))
    assert [_meaning(notice.answer) for notice in told] == list(journey.story.told)
    for notice in told:
        assert (notice.kind, notice.reference) == (NoticeKind.TRANSFER, journey.request.reference)
        if notice.answer.outcome == Outcome.SUCCEEDED:
            answer = notice.answer
            assert (answer.amount, answer.msisdn) == (AMOUNT, journey.request.msisdn)


def test_the_open_api_tells_what_was_in_progress(
    journeys: dict[tuple[str, str], Journey],
) -> None:
    journey = journeys[IN_PROGRESS, OPENAPI]
    (notice,) = journey.side.told(journey.request, 1)
    assert _meaning(notice.answer) == PAID


@pytest.mark.parametrize(("ending", "meaning"), [("000001", PAID), ("000020", NOT_REGISTERED)])
def test_in_asynchronous_mode_the_open_api_tells_every_result(
    simulator: Simulator, openapi: Side, ending: str, meaning: Meaning
) -> None:
    simulator.configure(vodacom_mpesa={"openapi_mode": "async"})
    request, answer = openapi.disburse(ending)
    simulator.configure(vodacom_mpesa={"openapi_mode": "sync"})
    assert _meaning(answer) == PENDING
    (notice,) = openapi.told(request, 1)
    assert _meaning(notice.answer) == meaning


@pytest.mark.parametrize("dialect", [OPENAPI, AIRTEL])
@pytest.mark.parametrize("name", STORIES)
def test_what_is_asked_afterwards_is_the_truth(
    journeys: dict[tuple[str, str], Journey], name: str, dialect: str
) -> None:
    journey = journeys[name, dialect]
    found = journey.side.ask(journey.request, journey.answer)
    is_named = name == "not registered" and dialect == AIRTEL
    assert _meaning(found) == (
        PAID if journey.story.is_paid else NOT_REGISTERED if is_named else DECLINED
    )


@pytest.mark.parametrize("name", STORIES)
def test_daraja_tells_the_truth_when_it_is_asked(
    journeys: dict[tuple[str, str], Journey], name: str
) -> None:
    journey = journeys[name, DARAJA]
    before = len(journey.side.told(journey.request, len(journey.story.told)))
    promised = journey.side.ask(journey.request, journey.answer)
    assert _meaning(promised) == PENDING
    status = journey.side.told(journey.request, before + 1)[-1]
    assert _meaning(status.answer) == (PAID if journey.story.is_paid else DECLINED)


def test_tigo_cannot_be_asked(journeys: dict[tuple[str, str], Journey]) -> None:
    journey = journeys["unclear, and paid", TIGO]
    assert _meaning(journey.side.ask(journey.request, journey.answer)) == UNKNOWN


@each_dialect
def test_a_code_of_the_providers_own_is_understood(sides: dict[str, Side], dialect: str) -> None:
    ending, meaning = REFUSED[dialect]
    request, answer = sides[dialect].disburse(ending)
    if dialect == DARAJA:
        assert _meaning(answer) == PENDING
        (notice,) = sides[dialect].told(request, 1)
        answer = notice.answer
    assert (_meaning(answer), answer.is_unlisted) == (meaning, False)


@each_dialect
def test_the_same_payout_twice_goes_out_once(
    simulator: Simulator, sides: dict[str, Side], dialect: str
) -> None:
    provider = sides[dialect].provider
    request, _ = sides[dialect].disburse("000001")
    again = provider.disburse(request)
    assert again.outcome in (Outcome.PENDING, Outcome.UNKNOWN)
    sent = simulator.went_out(type="disbursement", our_reference=request.reference)
    assert len(sent) == 1


# Refunds


def pays(simulator: Simulator, side: Side, ending: str) -> tuple[Collection, str]:
    """A collection that was paid, and its receipt."""
    request, _ = side.collect(ending)
    (movement,) = wait_until(lambda: simulator.came_in(request.reference), TOLD_SECONDS)
    return request, str(movement["receipt"])


@pytest.mark.parametrize("dialect", [DARAJA, OPENAPI, AIRTEL])
@pytest.mark.parametrize("name", [name for name in STORIES if name != "not registered"])
def test_a_refund_goes_back_to_the_payer(
    simulator: Simulator, sides: dict[str, Side], name: str, dialect: str
) -> None:
    """What a payee of that number meets, a payer meets who is given the money back."""
    side, story = sides[dialect], STORIES[name]
    collection, receipt = pays(simulator, side, story.ending)
    request, answer = side.refund(collection, receipt)
    assert _meaning(answer) == _expected_refund(name, dialect)
    given_back = simulator.went_out(original_receipt=receipt)
    assert [each["amount"] for each in given_back] == [-AMOUNT] * story.is_paid
    if dialect == DARAJA:
        told = side.told(request, len(story.told))
        assert [_meaning(notice.answer) for notice in told] == list(story.told)


def _expected_refund(name: str, dialect: str) -> Meaning:
    """Airtel knows no refund in progress."""
    return PAID if name == IN_PROGRESS and dialect == AIRTEL else _expected_answer(name, dialect)


@pytest.mark.parametrize("dialect", [OPENAPI, AIRTEL])
def test_a_refund_is_found_and_the_payment_is_reversed(
    simulator: Simulator, sides: dict[str, Side], dialect: str
) -> None:
    side = sides[dialect]
    collection, receipt = pays(simulator, side, "000051")
    request, answer = side.refund(collection, receipt)
    assert _meaning(answer) == UNKNOWN
    assert _meaning(side.ask(request, answer)) == PAID
    assert side.ask(collection, answer).outcome == Outcome.REVERSED


def test_daraja_tells_of_a_reversal_when_it_is_asked(simulator: Simulator, daraja: Side) -> None:
    collection, receipt = pays(simulator, daraja, "000055")
    request, answer = daraja.refund(collection, receipt)
    assert _meaning(daraja.ask(request, answer)) == PENDING
    (status,) = daraja.told(request, 1)
    assert _meaning(status.answer) == PAID


@pytest.mark.parametrize("dialect", [DARAJA, OPENAPI, AIRTEL])
def test_a_payment_is_given_back_once(
    simulator: Simulator, sides: dict[str, Side], dialect: str
) -> None:
    side = sides[dialect]
    collection, receipt = pays(simulator, side, "000001")
    side.refund(collection, receipt)
    request, again = side.refund(collection, receipt)
    if dialect == DARAJA:
        (notice,) = side.told(request, 1)
        again = notice.answer
    assert again.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
    assert len(simulator.went_out(original_receipt=receipt)) == 1


# Look-ups


def test_airtel_tells_balance_and_holder(airtel: Side) -> None:
    assert airtel.provider.balance().balance is not None
    assert airtel.provider.holder(airtel.number("000001")).name == "ASHA JUMA"
    assert airtel.provider.holder(airtel.number("000020")).name is None


@each_dialect
def test_each_provider_is_up(sides: dict[str, Side], dialect: str) -> None:
    health = sides[dialect].provider.health()
    assert (health.is_up, health.detail) == (True, "")


def _meaning(answer: Answer) -> Meaning:
    return answer.outcome, answer.reason


def test_daraja_tells_what_a_receipt_is_of(simulator: Simulator, daraja: Side) -> None:
    """A customer's is told with the payer; of what we have sent no phone has paid us anything."""
    collection, receipt = pays(simulator, daraja, "000056")
    paid = _of_receipt(daraja, receipt, "a" * 20)
    assert (paid.outcome, paid.receipt) == (Outcome.SUCCEEDED, receipt)
    assert (paid.amount, paid.msisdn) == (AMOUNT, collection.msisdn)
    assert paid.short_code == "600100"
    assert paid.paid_at is not None
    assert abs(datetime.now(UTC) - paid.paid_at) < timedelta(minutes=1)
    disbursement, _ = daraja.disburse("000057")
    (told,) = daraja.told(disbursement, 1)
    sent = _of_receipt(daraja, told.answer.receipt, "b" * 20)
    assert (sent.msisdn, sent.short_code) == (None, disbursement.msisdn)
    assert _of_receipt(daraja, "SG632NMUAB", "c" * 20).outcome == Outcome.UNKNOWN


def _of_receipt(daraja: Side, receipt: str, token: str) -> Answer:
    asker = cast(KnowsReceipts, daraja.provider)
    question = ReceiptQuestion(receipt=receipt, callback_token=token)
    assert asker.query_receipt(question).outcome == Outcome.PENDING
    (heard,) = wait_until(lambda: daraja.ear.heard(f"/daraja/result/{token}"), TOLD_SECONDS)
    return asker.read_receipt(heard.body, heard.headers)
