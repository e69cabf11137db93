"""Staff ask for money to go out, a second person decides, and everything is on record."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from bundles.services.buy import buy_bundle
from bundles.services.earn import earned_account
from bundles.tests.factories import a_bundle
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, Posting, Transfer, TransferRules
from payments.services.check_transfer import check_transfer
from payments.services.follow_up import follow_up
from payments.services.refund import refund_payment
from payments.services.send_transfer import send_transfer
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import LOST, REFUSED, REVERSED, SENT, FakeProvider, hear
from payments.tests.outgoing import provider as provider

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[..., str]


@pytest.fixture
def paid(unpaid: MobileMoneyTransaction) -> Payment:
    """A payment of 1,000 TZS that is activated."""
    return hear(unpaid.payment, replace(SENT, amount=1000))


@pytest.fixture
def may(paid: Payment) -> Callable[..., Client]:
    """A member of staff with the given permissions, besides seeing payments and transfers."""

    def sign_in(*permissions: str) -> Client:
        number = User.objects.count()
        person = User.objects.create_user(f"s{number}@example.test", "x", is_staff=True)
        seen = ["view_payment", "view_transfer", "view_posting"]
        person.user_permissions.set(Permission.objects.filter(codename__in=[*seen, *permissions]))
        client = Client()
        client.force_login(person)
        return client

    return sign_in


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def send(client: Client, path: str, **answers: Any) -> str:
    """Fill in a page that asks, and send it; the page that comes then."""
    form = page(client, path)
    key = re.search(r'name="key" value="(\w+)"', form)
    assert key is not None
    body = {"why": "the reason", "key": key[1], **answers}
    answer = client.post(path, body, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def refund_path(payment: Payment) -> str:
    return f"/admin/payments/payment/{payment.pk}/refund/"


def path_of(transfer: Transfer, verb: str = "change") -> str:
    return f"/admin/payments/transfer/{transfer.pk}/{verb}/"


def story(client: Client, payment: Payment) -> str:
    return page(client, f"/admin/payments/payment/{payment.pk}/change/")


# Asking for a refund


def test_a_refund_is_asked_for_with_a_reason_and_recorded(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may("request_transfer")
    assert refund_path(paid) in story(client, paid)
    form = page(client, refund_path(paid))
    assert 'value="1000"' in form
    assert "Reason" in form
    shown = send(client, refund_path(paid), amount=400, service="goes_on")
    transfer = Transfer.objects.get()
    assert (transfer.amount, transfer.why, transfer.state) == (400, "the reason", "queued")
    assert transfer.requested_by is not None
    assert transfer.requested_by.email.startswith("s")
    assert f"Refund {transfer.reference} of 400 TZS" in shown
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user_id) == (str(paid.pk), transfer.requested_by_id)
    assert "the reason" in entry.change_message


def test_a_page_sent_twice_is_one_refund(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may("request_transfer")
    body = {"amount": 1000, "service": "ends", "why": "double click", "key": "the-same"}
    for _ in range(2):
        assert client.post(refund_path(paid), body).status_code == 302
    assert Transfer.objects.count() == 1
    assert LogEntry.objects.count() == 1


def test_a_key_used_again_hides_nothing_else(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may("request_transfer")
    for why in ("one", "another"):
        body = {"amount": 1000, "service": "ends", "why": why, "key": "the-same"}
        client.post(refund_path(paid), body)
    assert LogEntry.objects.count() == 2


def test_a_payment_sent_back_in_parts_is_one_sum_to_the_limit(
    provider: FakeProvider, paid: Payment
) -> None:
    TransferRules.current()
    TransferRules.objects.update(four_eyes_above=500)
    parts = [(300, "succeeded"), (200, "failed"), (200, "succeeded"), (1, "")]
    states = []
    for number, (amount, end) in enumerate(parts):
        transfer = refund_payment(
            payment_id=paid.pk, request_key=f"part {number}", why="x", amount=amount
        )
        states.append(transfer.state)
        Transfer.objects.filter(pk=transfer.pk).update(state=end or transfer.state)
    assert states == ["queued", "queued", "queued", "requested"]


def test_what_credit_has_paid_becomes_credit_again_by_a_page_of_its_own(
    may: Callable[..., Client],
) -> None:
    customer = a_customer()
    ledger.post(
        source="goodwill",
        memo="for an outage",
        lines=[(ledger.REVENUE, 1000), (ledger.credit_account(customer.pk), -1000)],
    )
    bundle = a_bundle(price=1000)
    phone = customer.phone or ""
    payment, _ = buy_bundle(
        customer=customer, bundle_id=bundle.pk, phone=phone, provider="auto", use_credit=True
    )
    follow_up(payment_id=payment.pk)
    path = f"/admin/payments/payment/{payment.pk}/refund-to-credit/"
    client = may("request_transfer")
    shown = story(client, payment)
    assert path in shown
    assert refund_path(payment) not in shown
    for _ in range(2):
        assert client.post(path, {"why": "did not work", "key": "the-same"}).status_code == 302
    assert ledger.credit_of(customer.pk) == 1000
    assert "credit again, and what it bought has ended" in story(client, payment)
    assert "did not work" in LogEntry.objects.first().change_message  # type: ignore[union-attr]
    page(may(), path, 403)


def test_a_phones_payment_is_not_offered_to_become_credit(
    may: Callable[..., Client], paid: Payment
) -> None:
    path = f"/admin/payments/payment/{paid.pk}/refund-to-credit/"
    assert path not in story(may("request_transfer"), paid)


@pytest.mark.parametrize(
    "body",
    [
        {"why": " "},
        {"amount": 0},
        {"amount": ""},
        {"amount": 1001},
        {"service": ""},
        {"amount": 1000, "service": "goes_on"},
    ],
)
def test_without_a_reason_or_for_too_much_nothing_is_asked_for(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment, body: dict[str, Any]
) -> None:
    shown = send(
        may("request_transfer"), refund_path(paid), **{"amount": 400, "service": "ends", **body}
    )
    assert not Transfer.objects.exists()
    assert not LogEntry.objects.exists()
    assert "At most 1,000" in shown if body == {"amount": 1001} else True


def test_without_the_permission_no_refund_is_offered_or_taken(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may("decide_transfer")
    assert refund_path(paid) not in story(client, paid)
    page(client, refund_path(paid), 403)
    body = {"amount": 400, "why": "x", "key": "k"}
    assert client.post(refund_path(paid), body).status_code == 403
    assert not Transfer.objects.exists()


def test_what_cannot_go_back_is_not_offered(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may("request_transfer")
    send(client, refund_path(paid), amount=400, service="goes_on")
    assert refund_path(paid) not in story(client, paid)


# The story


def test_the_story_tells_of_the_refund(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may()
    provider.answers = [LOST, REFUSED]
    transfer = refund_payment(payment_id=paid.pk, request_key="k", why="no internet")
    assert "about to be sent" in story(client, paid)
    send_transfer(transfer_id=transfer.pk)
    told = story(client, paid)
    assert "must not be sent by another way" in told
    check_transfer(transfer_id=transfer.pk)
    told = story(client, paid)
    for fact in (
        f"Refund {transfer.reference} of 1,000 TZS: failed",
        "no internet",
        "Send money",
        "Ask about money sent",
        "no such customer",
        "Case: Money could not be sent",
        "Withdrawn",
        path_of(transfer),
        "start another",
    ):
        assert fact in told, fact
    assert transfer.callback_token not in told


def test_the_story_ends_with_the_money_sent_back_or_taken_back(
    provider: FakeProvider, may: Callable[..., Client], paid: Payment
) -> None:
    client = may()
    transfer = refund_payment(payment_id=paid.pk, request_key="k", why="test")
    send_transfer(transfer_id=transfer.pk)
    told = story(client, paid)
    assert "The money was sent back" in told
    assert "Tumekurudishia" in told
    hear(paid, REVERSED)
    assert "The provider has taken the payment back" in story(client, paid)


# Deciding


@pytest.fixture
def waiting(provider: FakeProvider, paid: Payment) -> Transfer:
    """A refund that waits for a second person."""
    TransferRules.objects.create(four_eyes_above=999)
    return refund_payment(payment_id=paid.pk, request_key="k", why="no internet", by=a_customer())


@pytest.mark.parametrize(("verb", "state"), [("approve", "queued"), ("reject", "rejected")])
def test_a_second_person_decides(
    may: Callable[..., Client], waiting: Transfer, verb: str, state: str
) -> None:
    client = may("decide_transfer")
    assert path_of(waiting, verb) in page(client, path_of(waiting))
    assert "no internet" in page(client, path_of(waiting, verb))
    send(client, path_of(waiting, verb))
    waiting.refresh_from_db()
    assert waiting.state == state
    assert waiting.events.latest("id").evidence == "the reason"
    assert "the reason" in LogEntry.objects.get().change_message
    assert path_of(waiting, verb) not in page(client, path_of(waiting))


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_the_person_who_asked_is_told_that_somebody_else_must(
    may: Callable[..., Client], waiting: Transfer, verb: str
) -> None:
    client = may("decide_transfer")
    Transfer.objects.update(requested_by=client.session["_auth_user_id"])
    assert "Somebody else has to decide" in send(client, path_of(waiting, verb))
    waiting.refresh_from_db()
    assert waiting.state == "requested"
    assert not LogEntry.objects.exists()


def test_who_decides_too_late_is_told_so(may: Callable[..., Client], waiting: Transfer) -> None:
    client = may("decide_transfer")
    body = {"why": "x", "key": "k", "result": "sent", "receipt": "R"}
    assert client.post(path_of(waiting, "approve"), body).status_code == 302
    for verb, told in (("approve", "does not wait for a decision"), ("resolve", "Only a transfer")):
        answer = client.post(path_of(waiting, verb), body)
        assert answer.status_code == 200
        assert told in answer.content.decode()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("verb", ["approve", "reject", "resolve"])
def test_without_the_permission_nobody_decides(
    may: Callable[..., Client], waiting: Transfer, verb: str
) -> None:
    Transfer.objects.update(state="pending" if verb == "resolve" else "requested")
    client = may("request_transfer")
    assert path_of(waiting, verb) not in page(client, path_of(waiting))
    body = {"why": "x", "key": "k", "result": "sent", "receipt": "R"}
    assert client.post(path_of(waiting, verb), body).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state in ("requested", "pending")


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"result": "sent", "receipt": "LINE17"}, "succeeded"),
        ({"result": "not_sent"}, "failed"),
        ({"result": "sent"}, "pending"),
        ({"result": "not_sent", "why": ""}, "pending"),
    ],
)
def test_what_nobody_knows_is_resolved_by_the_statement(
    provider: FakeProvider,
    may: Callable[..., Client],
    paid: Payment,
    answers: dict[str, str],
    state: str,
) -> None:
    provider.answers = [LOST]
    transfer = refund_payment(payment_id=paid.pk, request_key="k", why="no internet")
    send_transfer(transfer_id=transfer.pk)
    send(may("decide_transfer"), path_of(transfer, "resolve"), **answers)
    transfer.refresh_from_db()
    assert transfer.state == state
    assert transfer.provider_transaction_id == ("LINE17" if state == "succeeded" else None)
    assert LogEntry.objects.exists() is (state != "pending")


def test_transfers_are_found_and_filtered(may: Callable[..., Client], waiting: Transfer) -> None:
    client = may()

    def listed(**query: str) -> list[Transfer]:
        answer: Any = client.get("/admin/payments/transfer/", query)
        return list(answer.context["cl"].result_list)

    Transfer.objects.update(provider_transaction_id="SENT9", provider_reference="AG_9")
    for term in (waiting.reference, "SENT9", "AG_9", waiting.phone, f"0{waiting.phone[4:]}"):
        assert listed(q=term) == [waiting], term
    assert listed(q="nothing-like-it") == []
    assert listed(unknown="yes") == []
    assert listed(state__exact="requested", kind__exact="refund") == [waiting]
    Transfer.objects.update(state="pending")
    assert listed(unknown="yes") == [waiting]
    assert listed(provider__exact="airtel_money") == []


def test_nothing_about_a_transfer_can_be_changed(staff: Client, waiting: Transfer) -> None:
    before = Transfer.objects.values().get()
    for path in ("/admin/payments/transfer/add/", path_of(waiting, "delete")):
        assert staff.post(path, {}).status_code == 403
    staff.post(path_of(waiting), {"amount": 1})
    assert Transfer.objects.values().get() == before
    assert waiting.callback_token not in page(staff, path_of(waiting))


def test_the_rules_are_edited_and_not_added_to(staff: Client) -> None:
    assert "/admin/payments/transferrules/1/change/" in page(
        staff, "/admin/payments/transferrules/"
    )
    body = {"four_eyes_above": 123, "returns_without_review": 1}
    staff.post("/admin/payments/transferrules/1/change/", body)
    assert TransferRules.objects.get().four_eyes_above == 123
    assert staff.post("/admin/payments/transferrules/add/", body).status_code == 403


# Owners


PAY_OUT = "/admin/payments/transfer/pay-out/"


@pytest.fixture
def owner(provider: FakeProvider) -> User:
    person: User = an_owner()
    account = earned_account(person.pk)
    ledger.post(source="earned", memo="", lines=[("delivered", 5000), (account, -5000)])
    return person


def test_an_owner_is_paid_what_was_earned(may: Callable[..., Client], owner: User) -> None:
    client = may("request_transfer")
    assert PAY_OUT in page(client, "/admin/payments/transfer/")
    assert 'value="5000"' in page(client, f"{PAY_OUT}?owner={owner.pk}")
    send(client, PAY_OUT, owner=owner.pk, amount=2000)
    send(client, PAY_OUT, owner=owner.pk)
    amounts = Transfer.objects.order_by("id").values_list("kind", "amount", "payee")
    assert list(amounts) == [("payout", 2000, owner.pk), ("payout", 3000, owner.pk)]
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("amount", [0, 5001])
def test_no_more_than_was_earned(may: Callable[..., Client], owner: User, amount: int) -> None:
    send(may("request_transfer"), PAY_OUT, owner=owner.pk, amount=amount)
    assert not Transfer.objects.exists()


def test_payouts_need_the_permission(may: Callable[..., Client], owner: User) -> None:
    client = may("decide_transfer")
    assert PAY_OUT not in page(client, "/admin/payments/transfer/")
    page(client, PAY_OUT, 403)


# The bank


RECORD = "/admin/payments/posting/record-bank/"


@pytest.mark.parametrize(
    ("movement", "to", "origin"),
    [
        ("top_up", "provider:tigo_pesa:disbursement", "bank"),
        ("from_collection", "provider:tigo_pesa:disbursement", "provider:tigo_pesa:collection"),
        ("settlement", "bank", "provider:tigo_pesa:collection"),
    ],
)
def test_what_the_bank_tells_is_posted_once(
    may: Callable[..., Client], movement: str, to: str, origin: str
) -> None:
    client = may("record_bank")
    before = ledger.balance(to), ledger.balance(origin)
    answers = {"movement": movement, "provider": "tigo_pesa", "amount": 7000, "reference": "B1"}
    for _ in range(2):
        assert "Recorded 7,000 TZS" in send(client, RECORD, **answers)
    assert (ledger.balance(to), ledger.balance(origin)) == (before[0] + 7000, before[1] - 7000)
    assert Posting.objects.get(source="bank:tigo_pesa:B1").memo == "the reason"
    other = send(client, RECORD, **{**answers, "amount": 7001})
    assert "recorded with another amount" in other
    assert Posting.objects.filter(source__startswith="bank:").count() == 1


def test_recording_needs_the_permission(may: Callable[..., Client]) -> None:
    client = may("request_transfer", "decide_transfer")
    assert RECORD not in page(client, "/admin/payments/posting/")
    page(client, RECORD, 403)
