"""From the request to the confirmed sending: four eyes, one posting, no failure by a guess."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from cases.models import Case
from payments import ledger
from payments.errors import NotDecidable, NotRefundable
from payments.models import ProviderCall, Transfer, TransferEvent, TransferRules, WebhookDelivery
from payments.providers.base import Answer, Outcome, Reason, Reversal, Withheld
from payments.services.decide_transfer import (
    approve_transfer,
    reject_transfer,
    resolve_transfer,
)
from payments.services.refund import refund_payment
from payments.services.settle_transfer import settle_transfer
from payments.services.sweep import sweep_transfers
from payments.services.transfer_record import record_transfer_move
from payments.states import TRANSFER_MOVES, TransferState, may_transfer_move
from payments.tests.factories import a_customer
from payments.tests.outgoing import (
    LOST,
    NOT_SENT,
    REFUSED,
    REVERSED,
    SENT,
    TAKEN,
    FakeProvider,
    books,
    checked,
    paid,
    sent,
)
from payments.tests.test_webhooks import deliver

pytestmark = pytest.mark.django_db(transaction=True)

COLLECTED = "provider:vodacom_mpesa:collection"
DISBURSED = "provider:vodacom_mpesa:disbursement"
SOLD = {"earnings_held:7": 765, "revenue": 85, "tax": 150}
UNDONE = {COLLECTED: -1000, **SOLD}


@pytest.fixture
def transfer(provider: FakeProvider) -> Transfer:
    """A refund of 1,000 TZS, to be sent."""
    return a_refund()


def a_refund(by: User | None = None, amount: int | None = None) -> Transfer:
    return refund_payment(
        payment_id=paid().pk,
        request_key=f"key:{Transfer.objects.count()}",
        why="asked for",
        amount=amount,
        by=by,
    )


def tell(transfer: Transfer, answer: Answer) -> bool:
    changed = settle_transfer(
        transfer_id=transfer.pk,
        answer=answer,
        source=TransferEvent.Source.WEBHOOK,
        evidence="the news",
    )
    transfer.refresh_from_db()
    return changed


def kinds() -> list[str]:
    return sorted(Case.objects.filter(state="open").values_list("kind", flat=True))


# Four eyes


@pytest.fixture
def waiting(provider: FakeProvider) -> Transfer:
    TransferRules.objects.create(four_eyes_above=999)
    return a_refund(by=a_customer())


def test_above_the_rules_amount_it_waits_for_a_second_person(
    provider: FakeProvider, waiting: Transfer
) -> None:
    assert (waiting.state, waiting.next_check_at) == (TransferState.REQUESTED, None)
    assert sent(waiting).state == TransferState.REQUESTED
    assert provider.sent == []
    checker = a_customer()
    approve_transfer(transfer_id=waiting.pk, by=checker, why="seen")
    assert sent(waiting).state == TransferState.SUCCEEDED
    assert waiting.decided_by == checker
    assert list(waiting.events.values_list("source", "to_state", "by")) == [
        ("staff", "requested", waiting.requested_by_id),
        ("staff", "queued", checker.pk),
        ("worker", "pending", None),
        ("answer", "succeeded", None),
    ]


def test_up_to_the_rules_amount_it_goes_at_once(provider: FakeProvider) -> None:
    TransferRules.objects.create(four_eyes_above=1000)
    assert a_refund(by=a_customer()).state == TransferState.QUEUED


@pytest.mark.parametrize("decide", [approve_transfer, reject_transfer])
def test_who_asked_for_it_or_gets_it_does_not_decide(waiting: Transfer, decide: Any) -> None:
    assert waiting.requested_by is not None
    for person in (waiting.requested_by, waiting.payee):
        with pytest.raises(NotDecidable, match="Somebody else"):
            decide(transfer_id=waiting.pk, by=person, why="mine")


def test_the_database_holds_the_four_eyes(waiting: Transfer) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.update(decided_by=waiting.requested_by)


def test_a_rejected_one_gives_its_money_back_and_is_never_sent(
    provider: FakeProvider, waiting: Transfer
) -> None:
    reject_transfer(transfer_id=waiting.pk, by=a_customer(), why="not due")
    assert books() == UNDONE
    assert sent(waiting).state == TransferState.REJECTED
    assert provider.sent == []
    assert waiting.finished_at is not None
    assert not tell(waiting, REFUSED)
    assert (waiting.state, kinds()) == (TransferState.REJECTED, ["transfer_failed"])
    for decide in (approve_transfer, reject_transfer):
        with pytest.raises(NotDecidable):
            decide(transfer_id=waiting.pk, by=a_customer(), why="again")
    assert books() == UNDONE


def test_one_that_could_not_be_sent_so_far_can_be_rejected(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [NOT_SENT]
    sent(transfer)
    reject_transfer(transfer_id=transfer.pk, by=a_customer(), why="another way was found")
    assert books() == UNDONE


def test_one_that_may_have_been_sent_cannot_be_rejected(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [LOST]
    sent(transfer)
    with pytest.raises(NotDecidable):
        reject_transfer(transfer_id=transfer.pk, by=a_customer(), why="too late")


# Sending


def test_it_is_sent_once(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [TAKEN]
    for _ in range(3):
        sent(transfer)
    assert len(provider.sent) == 1
    assert (transfer.state, transfer.outcome, transfer.sends) == ("pending", "pending", 1)
    assert transfer.provider_reference == "AG_1"
    assert not transfer.is_unknown
    call = ProviderCall.objects.get()
    assert (call.transfer, call.kind, call.outcome) == (transfer, "send", "pending")


def test_what_nobody_knows_is_not_sent_again_and_blocks_a_second(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [LOST]
    assert sent(transfer).is_unknown
    sent(transfer)
    assert len(provider.sent) == 1
    assert transfer.next_check_at is not None
    assert transfer.payment is not None
    with pytest.raises(NotRefundable, match="under way"):
        refund_payment(payment_id=transfer.payment.pk, request_key="b", why="impatience")


def test_a_worker_that_dies_while_sending_leaves_it_unknown_and_asked_about(
    provider: FakeProvider, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(request: Any) -> Answer:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(provider, "disburse", die)
        with pytest.raises(SystemExit):
            sent(transfer)
    transfer.refresh_from_db()
    assert transfer.is_unknown
    assert transfer.next_check_at is not None
    assert sent(transfer).sends == 1
    assert provider.sent == []
    assert not tell(transfer, NOT_SENT)
    assert transfer.outcome == "unknown"
    assert checked(transfer).state == "succeeded"


def test_what_was_not_processed_is_sent_again_after_growing_waits(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [NOT_SENT]
    waits = []
    for _ in range(6):
        sent(transfer)
        assert (transfer.state, transfer.posted_at) == ("queued", None)
        assert transfer.next_check_at is not None
        waits.append(round((transfer.next_check_at - timezone.now()).total_seconds()))
    assert waits == [5, 60, 300, 900, 900, 900]
    assert {request.reference for request in provider.sent} == {transfer.reference}
    assert [request.sent_before for request in provider.sent] == [False] + [True] * 5
    assert kinds() == ["transfer_failed"]
    assert books() == {COLLECTED: -1000, f"transfer:{transfer.reference}": 1000}
    provider.answers = [SENT]
    assert sent(transfer).state == "succeeded"
    assert kinds() == []


def test_what_the_breaker_held_back_is_no_sending(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [replace(NOT_SENT, withheld=Withheld.OUT_OF_ORDER)]
    for _ in range(7):
        sent(transfer)
    assert transfer.sends == 0
    assert kinds() == []
    provider.answers = [SENT]
    sent(transfer)
    assert not provider.sent[-1].sent_before


def test_after_hours_in_the_queue_asking_starts_from_the_sending(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [NOT_SENT]
    sent(transfer)
    provider.answers = [LOST]
    with time_machine.travel(timezone.now() + timedelta(hours=7), tick=False):
        sent(transfer)
        checked(transfer)
        assert transfer.next_check_at is not None
        assert transfer.next_check_at - timezone.now() <= timedelta(minutes=1)


def test_the_sweep_sends_what_is_due_and_asks_about_what_was_sent(
    provider: FakeProvider, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[str] = []
    monkeypatch.setattr("payments.services.sweep.hurry", lambda task, key: queued.append(task.name))
    for state in ("requested", "queued", "pending", "succeeded"):
        due = None if state in ("requested", "succeeded") else timezone.now()
        Transfer.objects.update(state=state, next_check_at=due)
        sweep_transfers()
        sweep_transfers()
    assert queued == ["payments.tasks.send_transfer", "payments.tasks.check_transfer"]


# The float


def test_a_float_that_nobody_keeps_forbids_nothing(provider: FakeProvider) -> None:
    for number in range(2):
        provider.answers = [replace(SENT, receipt=f"SENT{number}")]
        assert sent(a_refund()).state == "succeeded"
    assert books()[DISBURSED] == 2000


def test_a_known_float_that_is_too_small_waits_for_staff_and_then_goes(
    provider: FakeProvider, transfer: Transfer
) -> None:
    top_up(999)
    assert sent(transfer).state == "queued"
    assert provider.sent == []
    case = Case.objects.get()
    assert (case.kind, case.amount) == ("float_too_low", 1)
    assert transfer.next_check_at is not None
    top_up(1)
    assert sent(transfer).state == "succeeded"
    assert kinds() == []


def test_what_is_under_way_is_not_there_any_more(provider: FakeProvider) -> None:
    top_up(1500)
    provider.answers = [LOST]
    sent(a_refund())
    assert sent(a_refund()).state == "queued"


def test_a_reversal_needs_the_money_in_the_collection_account(provider: FakeProvider) -> None:
    provider.can(reversal=Reversal.PART)
    transfer = a_refund()
    ledger.post(source="s", memo="settled", lines=[(COLLECTED, -1), ("bank", 1)])
    assert sent(transfer).state == "queued"
    assert kinds() == ["float_too_low"]


def top_up(amount: int) -> None:
    ledger.post(
        source=f"top-up:{amount}", memo="top-up", lines=[(DISBURSED, amount), ("bank", -amount)]
    )


# The answer


def test_a_failure_undoes_the_taking_and_is_a_case(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [REFUSED]
    sent(transfer)
    assert (transfer.state, transfer.reason) == ("failed", Reason.DECLINED)
    assert transfer.next_check_at is None
    assert books() == UNDONE
    assert kinds() == ["transfer_failed"]


def test_the_same_news_twice_is_one_result(provider: FakeProvider, transfer: Transfer) -> None:
    sent(transfer)
    assert not tell(transfer, SENT)
    assert [posting.payment for posting in transfer.postings.all()] == [transfer.payment] * 2
    assert kinds() == []
    assert not tell(transfer, replace(SENT, receipt=""))
    assert transfer.provider_transaction_id == "SENT1"


def test_a_failure_heard_again_is_no_news(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [REFUSED]
    sent(transfer)
    for nothing_new in (REFUSED, LOST, TAKEN):
        assert not tell(transfer, nothing_new)
    assert transfer.provider_transaction_id is None
    assert kinds() == ["transfer_failed"]


def test_a_refusal_ends_the_question_what_became_of_it(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.can(can_query_disbursement=False)
    provider.answers = [LOST]
    checked(sent(transfer))
    tell(transfer, REFUSED)
    assert kinds() == ["transfer_failed"]
    case = Case.objects.get(kind="unresolved_transfer")
    assert (case.state, bool(case.resolution)) == ("resolved", True)


def test_what_the_database_refuses_although_nobody_holds_it_is_applied_anew(
    provider: FakeProvider, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who held the receipt has rolled back meanwhile."""
    provider.answers = [TAKEN]
    sent(transfer)
    refusals = [IntegrityError("the receipt is taken")]

    def refused_once(*moved: Any, **how: Any) -> None:
        if refusals:
            raise refusals.pop()
        record_transfer_move(*moved, **how)

    monkeypatch.setattr("payments.services.settle_transfer.record_transfer_move", refused_once)
    assert tell(transfer, SENT)
    assert transfer.state == "succeeded"
    assert kinds() == []


@pytest.mark.parametrize(("first", "then"), [(SENT, REFUSED), (REFUSED, SENT), (SENT, REVERSED)])
def test_a_late_contradiction_changes_nothing_and_is_a_case(
    provider: FakeProvider, transfer: Transfer, first: Answer, then: Answer
) -> None:
    provider.answers = [first]
    state = sent(transfer).state
    before = books()
    assert not tell(transfer, then)
    assert transfer.state == state
    assert books() == before
    assert "conflicting_answers" in kinds()


def test_two_receipts_of_one_transfer_are_a_case(
    provider: FakeProvider, transfer: Transfer
) -> None:
    sent(transfer)
    tell(transfer, replace(SENT, receipt="SENT2"))
    assert transfer.provider_transaction_id == "SENT1"
    assert kinds() == ["conflicting_answers"]


def test_a_receipt_that_comes_later_is_kept(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [replace(SENT, receipt="")]
    sent(transfer)
    tell(transfer, SENT)
    assert transfer.provider_transaction_id == "SENT1"


@pytest.mark.parametrize("first", [TAKEN, replace(SENT, receipt="")])
def test_a_receipt_is_one_transfers(provider: FakeProvider, first: Answer) -> None:
    sent(a_refund())
    provider.answers = [first]
    other = sent(a_refund())
    state = other.state
    assert not tell(other, SENT)
    assert (other.state, other.provider_transaction_id) == (state, None)
    assert kinds() == ["wrong_details"]


@pytest.mark.parametrize(
    "wrong",
    [{"amount": 999}, {"msisdn": "255754999999"}, {"provider_reference": "AG_2"}],
)
@pytest.mark.parametrize("answer", [SENT, REFUSED])
def test_news_of_another_transfer_settles_nothing(
    provider: FakeProvider, transfer: Transfer, answer: Answer, wrong: dict[str, Any]
) -> None:
    provider.answers = [TAKEN]
    sent(transfer)
    assert not tell(transfer, replace(answer, **wrong))
    assert transfer.state == "pending"
    assert kinds() == ["wrong_details"]


def test_news_before_the_sending_settles_nothing(transfer: Transfer) -> None:
    assert not tell(transfer, SENT)
    assert transfer.state == "queued"
    case = Case.objects.get()
    assert (case.kind, case.subject) == ("conflicting_answers", f"transfer:{transfer.reference}")
    assert (case.amount, bool(case.detail)) == (1000, True)


def test_what_was_sent_although_it_was_said_not_to_be_is_not_sent_again(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [NOT_SENT]
    sent(transfer)
    assert tell(transfer, SENT)
    sent(transfer)
    assert transfer.state == "succeeded"
    assert len(provider.sent) == 1


def test_a_reversal_that_was_made_although_it_was_said_not_to_be_is_not_sent_again(
    provider: FakeProvider,
) -> None:
    provider.can(reversal=Reversal.PART)
    provider.answers = [NOT_SENT]
    transfer = sent(a_refund())
    assert tell(transfer, REVERSED)
    assert transfer.state == "succeeded"


def test_a_disbursement_that_came_back_is_ours_again(
    provider: FakeProvider, transfer: Transfer
) -> None:
    """REVERSED says of a disbursement that the money has returned, of a reversal that it is done."""
    provider.answers = [TAKEN]
    sent(transfer)
    assert tell(transfer, REVERSED)
    assert transfer.state == "failed"
    assert books() == UNDONE


def test_a_code_that_no_list_explains_is_a_case(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [replace(LOST, code="999", is_unlisted=True)]
    assert sent(transfer).state == "pending"
    assert kinds() == ["unlisted_answer"]


def test_it_moves_forward_and_back_to_the_queue_alone() -> None:
    moves = {
        (a.value, b.value) for a in TransferState for b in TransferState if may_transfer_move(a, b)
    }
    assert moves == {
        ("requested", "queued"),
        ("requested", "rejected"),
        ("queued", "pending"),
        ("queued", "rejected"),
        ("queued", "succeeded"),
        ("pending", "queued"),
        ("pending", "succeeded"),
        ("pending", "failed"),
    }


def test_nothing_leaves_a_final_state() -> None:
    for state in (TransferState.SUCCEEDED, TransferState.FAILED, TransferState.REJECTED):
        assert TRANSFER_MOVES[state] == frozenset()


# Asking


def test_a_lost_answer_is_found_by_asking(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [LOST, SENT]
    sent(transfer)
    assert checked(transfer).state == "succeeded"
    question = provider.questions[0]
    assert (question.reference, question.is_reversal) == (transfer.reference, False)
    assert transfer.events.latest("id").source == "query"
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}


def test_a_reversal_is_asked_about_by_its_collection(provider: FakeProvider) -> None:
    provider.can(reversal=Reversal.PART)
    provider.answers = [LOST]
    transfer = sent(a_refund())
    checked(transfer)
    assert transfer.payment is not None
    attempt = transfer.payment.attempts.get()
    question = provider.questions[0]
    assert question.is_reversal
    assert question.receipt == attempt.provider_transaction_id
    assert question.collection_reference == attempt.reference


def test_asking_never_fails_it_by_not_found_and_ends_with_a_case(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.answers = [LOST, replace(LOST, code="404", not_found=True)]
    sent(transfer)
    start = timezone.now()
    for days in range(9):
        with time_machine.travel(start + timedelta(days=days), tick=False):
            checked(transfer)
    assert (transfer.state, transfer.next_check_at) == ("pending", None)
    assert kinds() == ["unresolved_transfer"]
    assert books() == {COLLECTED: -1000, f"transfer:{transfer.reference}": 1000}


@pytest.mark.parametrize("nothing", [LOST, NOT_SENT])
def test_an_unanswered_question_takes_no_knowledge_back(
    provider: FakeProvider, transfer: Transfer, nothing: Answer
) -> None:
    provider.answers = [TAKEN, nothing]
    sent(transfer)
    checked(transfer)
    assert (transfer.state, transfer.outcome) == ("pending", "pending")


@pytest.mark.parametrize("nothing", [LOST, NOT_SENT])
def test_an_unanswered_question_leaves_it_unknown(
    provider: FakeProvider, transfer: Transfer, nothing: Answer
) -> None:
    provider.answers = [LOST, nothing]
    sent(transfer)
    checked(transfer)
    assert (transfer.is_unknown, transfer.outcome) == (True, "unknown")


def test_the_latest_answer_is_what_is_known(provider: FakeProvider, transfer: Transfer) -> None:
    provider.answers = [TAKEN]
    sent(transfer)
    tell(transfer, replace(TAKEN, code="9" * 60, provider_reference="AG_2"))
    assert (transfer.provider_status, transfer.provider_reference) == ("9" * 50, "AG_1")
    tell(transfer, replace(SENT, code=""))
    assert (transfer.outcome, transfer.provider_status) == ("succeeded", "9" * 50)


def test_where_nobody_can_be_asked_staff_have_it_at_once(
    provider: FakeProvider, transfer: Transfer
) -> None:
    """Tigo's A2W: its only word is the answer."""
    provider.can(can_query_disbursement=False)
    provider.answers = [LOST]
    sent(transfer)
    checked(transfer)
    assert provider.questions == []
    assert kinds() == ["unresolved_transfer"]


def test_where_the_result_comes_by_callback_it_is_waited_for(
    provider: FakeProvider, transfer: Transfer
) -> None:
    provider.can(can_query_disbursement=False)
    provider.answers = [TAKEN]
    sent(transfer)
    checked(transfer)
    assert kinds() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        checked(transfer)
    assert kinds() == ["unresolved_transfer"]
    tell(transfer, SENT)
    assert kinds() == []


# By hand


def resolve(transfer: Transfer, was_sent: bool, by: User | None = None) -> Transfer:
    resolve_transfer(
        transfer_id=transfer.pk,
        was_sent=was_sent,
        receipt="STATEMENT1" if was_sent else "",
        by=by or a_customer(),
        why="line 17 of the statement",
    )
    transfer.refresh_from_db()
    return transfer


@pytest.mark.parametrize(
    ("was_sent", "state", "after"),
    [(True, "succeeded", {COLLECTED: -1000, DISBURSED: 1000}), (False, "failed", UNDONE)],
)
def test_staff_settle_it_by_the_statement(
    provider: FakeProvider, transfer: Transfer, was_sent: bool, state: str, after: dict[str, int]
) -> None:
    provider.answers = [LOST]
    sent(transfer)
    person = a_customer()
    assert resolve(transfer, was_sent, person).state == state
    assert books() == after
    event = transfer.events.latest("id")
    assert (event.source, event.by, event.evidence) == (
        "staff",
        person,
        "line 17 of the statement",
    )
    assert (transfer.provider_transaction_id == "STATEMENT1") is was_sent


def test_only_what_is_unconfirmed_is_settled_by_hand(transfer: Transfer) -> None:
    for state in ("queued", "succeeded", "failed", "rejected"):
        Transfer.objects.update(state=state)
        with pytest.raises(NotDecidable):
            resolve(transfer, True)


def test_who_asked_for_it_does_not_settle_it(provider: FakeProvider) -> None:
    maker = a_customer()
    provider.answers = [LOST]
    transfer = sent(a_refund(by=maker))
    with pytest.raises(NotDecidable, match="Somebody else"):
        resolve(transfer, True, maker)


# Callbacks


def result(transfer: Transfer, code: int = 0) -> dict[str, Any]:
    """Daraja's result of a disbursement."""
    parameters = [
        {"Key": "TransactionAmount", "Value": transfer.amount},
        {"Key": "TransactionReceipt", "Value": "SG632NMUAB"},
        {"Key": "ReceiverPartyPublicName", "Value": f"{transfer.phone[1:]} - ASHA JUMA"},
    ]
    return {
        "Result": {
            "ResultType": 0,
            "ResultCode": code,
            "ResultDesc": "text",
            "OriginatorConversationID": transfer.reference,
            "ConversationID": "AG_1",
            "TransactionID": "SG632NMUAB",
            **({} if code else {"ResultParameters": {"ResultParameter": parameters}}),
        }
    }


@pytest.fixture
def taken(provider: FakeProvider, transfer: Transfer) -> Transfer:
    """Accepted by the provider, whose result comes by callback."""
    provider.answers = [TAKEN]
    return sent(transfer)


@pytest.mark.parametrize(("code", "state"), [(0, "succeeded"), (2040, "failed")])
def test_the_result_by_its_own_token_is_evidence(taken: Transfer, code: int, state: str) -> None:
    status, _ = deliver(f"/api/webhooks/mpesa/{taken.callback_token}", result(taken, code))
    taken.refresh_from_db()
    assert (status, taken.state) == (200, state)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.transfer, delivery.state) == (taken, "applied")
    assert taken.events.latest("id").source == "webhook"
    deliver(f"/api/webhooks/mpesa/{taken.callback_token}", result(taken, code))
    assert WebhookDelivery.objects.latest("received_at").state == "repeated"


def test_an_unproven_result_is_a_hint_that_asks(
    taken: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "payments.services.apply_delivery.hurry", lambda task, key: asked.append(key)
    )
    deliver("/api/webhooks/mpesa", result(taken))
    taken.refresh_from_db()
    assert taken.state == "pending"
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.transfer) == ("hint", taken)
    assert asked == [taken.pk]
    assert json.dumps(taken.callback_token) not in bytes(delivery.body).decode()


def test_a_hint_asks_no_sooner_than_is_allowed(
    provider: FakeProvider, taken: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.can(first_transfer_query_seconds=180)
    monkeypatch.setattr(
        "payments.services.apply_delivery.hurry", lambda task, key: pytest.fail("too soon")
    )
    deliver("/api/webhooks/mpesa", result(taken))


def test_another_transfers_token_proves_nothing(provider: FakeProvider, taken: Transfer) -> None:
    other = a_refund()
    deliver(f"/api/webhooks/mpesa/{other.callback_token}", result(taken))
    taken.refresh_from_db()
    other.refresh_from_db()
    assert (taken.state, other.state) == ("pending", "queued")


def test_outcomes_that_are_not_final_move_nothing(taken: Transfer) -> None:
    for outcome in (Outcome.PENDING, Outcome.UNKNOWN):
        assert not tell(taken, Answer(outcome=outcome))
    assert taken.state == "pending"
