"""Customers pay bills from their own menus: the adapters read each question and answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pytest

from payments.providers.base import (
    Acknowledgement,
    AsksBills,
    BillDecision,
    BillQuestion,
    NoticeKind,
    Outcome,
    QuestionKind,
    Verdict,
)
from payments.providers.mpesa_daraja.client import MpesaDaraja
from tests.simulator import Simulator
from tests.waiting import wait_until
from tests.wire.ear import Ear
from tests.wire.sides import AMOUNT, TOLD_SECONDS, Side

REFERENCE = "KNK4F7Q2"
PAYERS = {"tigo_pesa": "255714123456", "vodacom_mpesa": "255754123456"}
Asked = Callable[[Verdict], list[BillQuestion]]


def questions(ear: Ear, side: Side, beginning: str) -> Asked:
    """Has the questions at a path answered by a verdict; they are in the list as they come."""

    def answering(verdict: Verdict) -> list[BillQuestion]:
        found: list[BillQuestion] = []
        adapter = cast(AsksBills, side.provider)

        def answer(body: bytes, headers: Mapping[str, str]) -> Acknowledgement:
            found.append(adapter.read_question(body, headers))
            decision = BillDecision(verdict=verdict, name="ASHA JUMA", our_id="BILL1")
            return adapter.answer_question(found[-1], decision)

        ear.answer(beginning, answer)
        return found

    return answering


@pytest.fixture
def tigo_asks(ear: Ear, tigo: Side) -> Asked:
    return questions(ear, tigo, "/w2a")


@pytest.fixture
def daraja_asks(ear: Ear, daraja: Side) -> Asked:
    adapter = cast(MpesaDaraja, daraja.provider)
    assert adapter.register_urls().outcome == Outcome.SUCCEEDED
    return questions(ear, daraja, "/daraja/validation")


def test_tigo_asks_for_the_name_and_then_for_the_payment(
    simulator: Simulator, tigo_asks: Asked
) -> None:
    asked = tigo_asks(Verdict.ACCEPTED)
    bill = simulator.pays_bill("tigo_pesa", PAYERS["tigo_pesa"], REFERENCE, AMOUNT)
    assert bill["state"] == "paid"
    name, payment = asked
    assert (name.kind, payment.kind) == (QuestionKind.NAME, QuestionKind.PAYMENT)
    for question in asked:
        assert question.bill_reference == REFERENCE
        assert question.msisdn == PAYERS["tigo_pesa"]
        assert question.short_code == "600200"
    assert (name.amount, payment.amount) == (None, AMOUNT)
    assert payment.receipt == bill["receipt"]


@pytest.mark.parametrize("verdict", [each for each in Verdict if each != Verdict.ACCEPTED])
def test_what_tigo_is_refused_goes_back_to_the_customer(
    simulator: Simulator, tigo_asks: Asked, verdict: Verdict
) -> None:
    asked = tigo_asks(verdict)
    bill = simulator.pays_bill("tigo_pesa", PAYERS["tigo_pesa"], REFERENCE, AMOUNT)
    assert (bill["state"], [each.kind for each in asked]) == ("returned", [QuestionKind.NAME])


def test_daraja_asks_before_a_payment_and_confirms_it(
    simulator: Simulator, daraja: Side, daraja_asks: Asked, ear: Ear
) -> None:
    asked = daraja_asks(Verdict.ACCEPTED)
    bill = simulator.pays_bill("vodacom_mpesa", PAYERS["vodacom_mpesa"], REFERENCE, AMOUNT)
    assert bill["state"] == "paid"
    (question,) = asked
    assert (question.kind, question.amount) == (QuestionKind.VALIDATION, AMOUNT)
    assert (question.bill_reference, question.short_code) == (REFERENCE, "600100")
    (confirmed,) = wait_until(lambda: ear.heard("/daraja/confirmation"), TOLD_SECONDS)
    notice = daraja.provider.parse_callback(confirmed.body, confirmed.headers)
    assert (notice.kind, notice.bill_reference) == (NoticeKind.BILL, REFERENCE)
    assert (notice.answer.outcome, notice.answer.amount) == (Outcome.SUCCEEDED, AMOUNT)
    assert notice.answer.receipt == question.receipt == bill["receipt"]


@pytest.mark.parametrize("verdict", [each for each in Verdict if each != Verdict.ACCEPTED])
def test_what_daraja_is_refused_is_not_paid(
    simulator: Simulator, daraja_asks: Asked, ear: Ear, verdict: Verdict
) -> None:
    before = len(ear.heard("/daraja/confirmation"))
    daraja_asks(verdict)
    bill = simulator.pays_bill("vodacom_mpesa", PAYERS["vodacom_mpesa"], REFERENCE, AMOUNT)
    assert bill["state"] == "returned"
    assert len(ear.heard("/daraja/confirmation")) == before
