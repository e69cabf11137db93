"""Owners are paid what they have earned, and not more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from notifications.models import Message
from payments import ledger
from payments.errors import (
    NothingToPayOut,
    PaymentError,
    PayoutFrozen,
    PhoneNotProved,
    ProviderUnavailable,
)
from payments.models import Transfer, TransferRules
from payments.services.decide_transfer import approve_transfer
from payments.services.payout import pay_out
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import LOST, REFUSED, FakeProvider, books, sent

pytestmark = pytest.mark.django_db(transaction=True)

DISBURSED = "provider:vodacom_mpesa:disbursement"
ACCOUNT = "earnings:owner"


@pytest.fixture
def owner(provider: FakeProvider) -> User:
    """An owner with 5,000 TZS of earnings."""
    ledger.post(source="earned", memo="", lines=[("delivered", 5000), (ACCOUNT, -5000)])
    return an_owner()


def pay(owner: User, amount: int, **more: Any) -> Transfer:
    return pay_out(
        payee_id=owner.pk,
        account=ACCOUNT,
        amount=amount,
        request_key=more.pop("key", f"key:{Transfer.objects.count()}"),
        why="August",
        by=more.pop("by", None) or a_customer(),
    )


def test_earnings_are_sent_to_the_owners_phone(provider: FakeProvider, owner: User) -> None:
    transfer = sent(pay(owner, 3000))
    assert (transfer.kind, transfer.state, transfer.payment) == ("payout", "succeeded", None)
    assert transfer.phone == owner.phone
    assert books() == {"delivered": -5000, ACCOUNT: 2000, DISBURSED: 3000}
    [sms, letter] = Message.objects.filter(message_id="payout_sent").order_by("pk")
    assert (sms.to, letter.to) == (owner.phone, owner.email)
    assert "mapato" in sms.text
    assert letter.text == sms.text


def test_in_english_too(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(language="en")
    sent(pay(owner, 3000))
    assert "earnings of TZS 3,000" in Message.objects.get(to=owner.phone).text


@pytest.mark.parametrize("amount", [0, -1, 5001])
def test_no_more_than_was_earned(owner: User, amount: int) -> None:
    with pytest.raises(NothingToPayOut, match="5,000"):
        pay(owner, amount)


def test_two_payouts_together_are_no_more_than_was_earned(owner: User) -> None:
    pay(owner, 3000)
    with pytest.raises(NothingToPayOut, match="2,000"):
        pay(owner, 3000)


def test_who_owes_is_paid_nothing_until_it_is_earned_back(owner: User) -> None:
    ledger.post(source="refund", memo="", lines=[(ACCOUNT, 6000), ("x", -6000)])
    assert ledger.balance(ACCOUNT) == 1000
    with pytest.raises(NothingToPayOut, match="0 shillings"):
        pay(owner, 1)


def test_a_payout_that_fails_is_earned_again(provider: FakeProvider, owner: User) -> None:
    provider.answers = [REFUSED]
    sent(pay(owner, 3000))
    assert books() == {"delivered": -5000, ACCOUNT: 5000}
    assert not Message.objects.exists()


def test_the_same_request_is_one_payout(provider: FakeProvider, owner: User) -> None:
    provider.answers = [LOST]
    first = sent(pay(owner, 3000, key="august"))
    assert pay(owner, 3000, key="august") == first
    assert len(provider.sent) == 1


def test_a_large_one_waits_for_somebody_else(owner: User) -> None:
    TransferRules.objects.create(four_eyes_above=2999)
    transfer = pay(owner, 3000)
    assert transfer.state == "requested"
    approve_transfer(transfer_id=transfer.pk, by=a_customer(), why="seen")
    assert sent(transfer).state == "succeeded"


def test_without_a_way_nothing_is_taken(provider: FakeProvider, owner: User) -> None:
    provider.can(disburses=False)
    with pytest.raises(ProviderUnavailable):
        pay(owner, 100)
    assert ledger.balance(ACCOUNT) == -5000


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ({"phone": None}, PhoneNotProved),
        ({"phone_verified_at": None}, PhoneNotProved),
        ({"phone_changed_at": timezone.now()}, PayoutFrozen),
    ],
)
def test_money_goes_only_to_a_phone_that_has_been_the_payees_for_days(
    owner: User, state: dict[str, Any], refusal: type[PaymentError]
) -> None:
    User.objects.filter(pk=owner.pk).update(**state)
    with pytest.raises(refusal):
        pay(owner, 100)
    assert ledger.balance(ACCOUNT) == -5000


def test_three_days_after_the_change_the_new_phone_is_paid(owner: User) -> None:
    changed = timezone.now() - timedelta(hours=72)
    User.objects.filter(pk=owner.pk).update(phone_changed_at=changed)
    assert pay(owner, 100).phone == owner.phone
