"""Gifts: a purchase for another phone, and part of one's data; claimed once, or given back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.errors import AccountInUse
from accounts.models import User
from accounts.services.delete_account import delete_account
from bundles.invariants import INVARIANTS
from bundles.models import Activation, Bundle, Gift, Purchase, Seat, Subscription
from bundles.services.earn import release_earnings
from bundles.services.end import end_overdue_subscriptions
from bundles.services.forget_receivers import forget_old_receivers
from bundles.services.give_data import NOT_REPORTED_YET_BYTES
from bundles.services.return_gift import return_unclaimed
from bundles.services.unused import unused
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import hear, pay
from notifications.models import Message
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment
from payments.providers.base import Outcome, Reason
from payments.tests.factories import a_customer, a_phone
from tests.mobile_contract.app import initiate, signed_in
from tests.mobile_contract.shapes import assert_error, assert_success

pytestmark = pytest.mark.django_db(transaction=True)

GIVEN_MB = 1000
GIVEN = GIVEN_MB * 10**6


@pytest.fixture
def giver() -> User:
    return a_customer()


@pytest.fixture
def receiver() -> User:
    """Somebody who has proved the phone that gifts are for."""
    person = a_customer()
    person.phone_verified_at = timezone.now()
    person.save()
    return person


@pytest.fixture
def bundle() -> Bundle:
    return a_bundle(max_clients=2)


@pytest.fixture(autouse=True)
def right_books() -> Any:
    """Whatever a test does, what must hold of what was sold holds after it."""
    yield
    found = [(each.id, list(each.find())) for each in INVARIANTS]
    assert [(name, wrong) for name, wrong in found if wrong] == []


def ask_to_give(giver: User, bundle: Bundle, phone: str | None, payer: str = "") -> Any:
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    return initiate(signed_in(giver), bundle.pk, payer or giver.phone or "", gift_phone=phone)


def bought(giver: User, bundle: Bundle, receiver: User) -> Payment:
    """A paid gift."""
    shown = assert_success(ask_to_give(giver, bundle, receiver.phone), 201)
    return hear(Payment.objects.get(public_id=shown["payment_id"]))


def given(giver: User, receiver: User, mb: int = GIVEN_MB, **changes: Any) -> Any:
    subscription = Subscription.objects.get(customer=giver)
    body = {"subscription_id": subscription.pk, "phone": receiver.phone, "data_mb": mb, **changes}
    return signed_in(giver).post("/api/gifts", body, format="json")


def token_of(gift: Gift) -> str:
    link: str = Message.objects.get(key=f"gift:{gift.pk}").context["link"]
    return link.rpartition("/")[2]


def claim(person: User, **body: Any) -> Any:
    return signed_in(person).post("/api/gifts/claim", body, format="json")


def withdraw(person: User, gift: Gift) -> Any:
    return signed_in(person).post(f"/api/gifts/{gift.pk}/withdraw", {}, format="json")


def listed(person: User) -> list[dict[str, Any]]:
    return list(assert_success(signed_in(person).get("/api/gifts"))["gifts"])


def told(person: User) -> list[str]:
    return list(
        Message.objects.filter(to=person.phone).order_by("id").values_list("message_id", flat=True)
    )


def test_a_paid_gift_waits_with_its_place_and_both_are_told(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    payment = bought(giver, bundle, receiver)
    gift = Gift.objects.get()
    assert (payment.disposition, gift.state, gift.phone) == ("fulfilled", "offered", receiver.phone)
    seat = Seat.objects.get()
    assert (seat.customer, seat.purchase, seat.held_until) == (None, gift.purchase, None)
    assert not Subscription.objects.exists()
    assert ledger.balance(f"earnings_held:{bundle.owner_id}") == -900
    with time_machine.travel(timezone.now() + timedelta(days=5)):
        assert release_earnings() == 0
    assert told(giver) == ["payment_received_gift"]
    assert told(receiver) == ["gift_bought"]
    assert token_of(gift) not in Message.objects.get(key=f"gift:{gift.pk}").told


@pytest.mark.parametrize("way", ["link", "phone"])
def test_whoever_claims_it_is_served_once(
    giver: User, receiver: User, bundle: Bundle, delivered: list[Subscription], way: str
) -> None:
    """The link is proof of the phone: its reader may have an account by another number."""
    bought(giver, bundle, receiver)
    gift = Gift.objects.get()
    claimer = a_customer() if way == "link" else receiver
    body: dict[str, Any] = {"token": token_of(gift)} if way == "link" else {"gift_id": gift.pk}
    first = assert_success(claim(claimer, **body))
    assert first["state"] == "claimed"
    assert assert_success(claim(claimer, **body)) == first
    subscription = Subscription.objects.get()
    assert (subscription.customer, delivered) == (claimer, [subscription])
    assert Activation.objects.get().subscription == subscription
    assert Seat.objects.get().customer == claimer
    assert told(giver) == ["payment_received_gift", "gift_claimed"]
    assert_error(claim(a_customer(), token=token_of(gift)), 409, "gift_already_claimed")
    assert_error(withdraw(giver, gift), 409, "gift_already_claimed")
    assert [each["direction"] for each in listed(claimer) + listed(giver)] == ["received", "given"]
    assert listed(claimer)[0]["phone"] == ""
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        end_overdue_subscriptions()
    assert release_earnings() == 1


def test_it_extends_what_the_receiver_has_and_frees_its_own_place(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    pay(receiver, bundle)
    bought(giver, bundle, receiver)
    assert_error(ask_to_give(a_customer(), bundle, a_phone()), 409, "bundle_sold_out")
    assert_success(claim(receiver, gift_id=Gift.objects.get().pk))
    subscription = Subscription.objects.get()
    assert subscription.data_limit_bytes == 2 * bundle.data_limit_gb * 10**9
    assert Seat.objects.get().customer == receiver


def test_gifts_and_an_own_purchase_of_one_bundle_are_open_at_once(
    giver: User, receiver: User
) -> None:
    bundle = a_bundle()
    purchases = {
        assert_success(ask_to_give(giver, bundle, phone, payer), 201)["payment_id"]
        for phone, payer in ((receiver.phone, ""), (a_phone(), a_phone()), (None, a_phone()))
    }
    assert len(purchases) == 3
    assert Seat.objects.filter(held_until__isnull=False).count() == 3
    again = assert_success(ask_to_give(giver, bundle, receiver.phone))
    assert (again["gift_phone"], again["payment_id"] in purchases) == (receiver.phone, True)


def test_a_failed_payment_frees_the_place_of_its_gift_alone(giver: User, receiver: User) -> None:
    bundle = a_bundle()
    pay(giver, bundle)
    assert_success(ask_to_give(giver, bundle, receiver.phone), 201)
    hear(Payment.objects.latest("id"), Outcome.FAILED, reason=Reason.CANCELLED)
    assert Seat.objects.get().customer == giver


def test_late_money_for_a_gift_without_a_free_place_is_credit(giver: User, receiver: User) -> None:
    bundle = a_bundle(max_clients=1)
    assert_success(ask_to_give(giver, bundle, receiver.phone), 201)
    payment = Payment.objects.get()
    Seat.objects.all().delete()
    pay(a_customer(), bundle)
    assert hear(payment).disposition == "credited"
    assert not Gift.objects.exists()


@pytest.mark.parametrize("how", ["not claimed", "taken back"])
def test_what_was_bought_and_not_claimed_is_the_givers_credit(
    giver: User, receiver: User, bundle: Bundle, how: str
) -> None:
    payment = bought(giver, bundle, receiver)
    gift = Gift.objects.get()
    if how == "taken back":
        for _ in range(2):
            assert assert_success(withdraw(giver, gift))["state"] == "returned"
    else:
        assert return_unclaimed() == 0
        Gift.objects.update(expires_at=timezone.now())
        assert_error(claim(receiver, gift_id=gift.pk), 409, "gift_returned")
        assert return_unclaimed() == 1
    assert return_unclaimed() == 0
    assert ledger.credit_of(giver.pk) == bundle.price
    assert ledger.lies_on(payment) == {ledger.credit_account(giver.pk): bundle.price}
    assert not Seat.objects.exists()
    assert told(giver) == ["payment_received_gift", "gift_returned"]
    assert_error(claim(receiver, token=token_of(gift)), 409, "gift_returned")
    shown = signed_in(giver).get(f"/api/payments/status/{payment.public_id}")
    assert assert_success(shown)["status"] == "cancelled"
    way = signed_in(giver).get(f"/api/payments/timeline/{payment.public_id}")
    assert assert_success(way)["next_step"]["code"] == "use_credit"


@pytest.mark.parametrize("is_claimed", [False, True])
def test_a_gift_ends_with_its_money(
    giver: User, receiver: User, bundle: Bundle, is_claimed: bool
) -> None:
    payment = bought(giver, bundle, receiver)
    gift = Gift.objects.get()
    if is_claimed:
        assert_success(claim(receiver, gift_id=gift.pk))
    hear(payment, Outcome.REVERSED)
    assert not Seat.objects.exists()
    assert not Subscription.objects.filter(state="active").exists()
    code = "gift_already_claimed" if is_claimed else "gift_returned"
    assert_error(claim(a_customer(), token=token_of(gift)), 409, code)


def test_given_data_leaves_at_once_and_begins_a_subscription_that_ends_with_the_givers(
    giver: User, receiver: User, bundle: Bundle, delivered: list[Subscription]
) -> None:
    pay(giver, bundle)
    assert assert_success(given(giver, receiver), 201)["state"] == "offered"
    own = Subscription.objects.get()
    assert own.data_limit_bytes == 5 * 10**9 - GIVEN
    assert told(receiver) == ["gift_data"]
    assert_success(claim(receiver, gift_id=Gift.objects.get().pk))
    theirs = Subscription.objects.get(customer=receiver)
    assert (theirs.data_limit_bytes, theirs.ends_at) == (GIVEN, own.ends_at)
    assert theirs in delivered
    assert told(giver)[-1] == "gift_data_claimed"
    assert unused(Activation.objects.get(), timezone.now()).data_bytes == 5 * 10**9 - GIVEN
    payment = pay(receiver, bundle)
    theirs.refresh_from_db()
    assert theirs.ends_at == own.ends_at + timedelta(days=1)
    received = unused(Activation.objects.get(purchase__customer=receiver), timezone.now())
    assert received.data_bytes == 5 * 10**9
    hear(payment, Outcome.REVERSED)
    theirs.refresh_from_db()
    assert (theirs.state, theirs.data_limit_bytes) == ("active", GIVEN)


def test_given_data_is_added_to_what_the_receiver_has(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    pay(giver, bundle)
    pay(receiver, bundle)
    assert_success(given(giver, receiver), 201)
    assert_success(claim(receiver, token=token_of(Gift.objects.get())))
    assert Subscription.objects.get(customer=receiver).data_limit_bytes == 5 * 10**9 + GIVEN


def test_without_a_free_place_given_data_waits(giver: User, receiver: User) -> None:
    bundle = a_bundle(max_clients=1)
    pay(giver, bundle)
    assert_success(given(giver, receiver), 201)
    gift = Gift.objects.get()
    assert_error(claim(receiver, gift_id=gift.pk), 409, "bundle_sold_out")
    assert "gift_data_claimed" not in told(giver)
    Bundle.objects.update(max_clients=2)
    assert_success(claim(receiver, gift_id=gift.pk))


@pytest.mark.parametrize("how", ["not claimed", "taken back", "ended"])
def test_data_that_is_not_claimed_comes_back_while_its_bundle_runs(
    giver: User, receiver: User, bundle: Bundle, how: str
) -> None:
    pay(giver, bundle)
    assert_success(given(giver, receiver), 201)
    gift = Gift.objects.get()
    if how == "taken back":
        assert_success(withdraw(giver, gift))
    elif how == "not claimed":
        Gift.objects.update(expires_at=timezone.now())
        assert return_unclaimed() == 1
    else:
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert end_overdue_subscriptions() == 1
    own = Subscription.objects.get()
    left = 5 * 10**9 - (GIVEN if how == "ended" else 0)
    assert own.data_limit_bytes == left
    assert told(giver)[-1] == ("gift_data_gone" if how == "ended" else "gift_data_returned")
    assert_error(claim(receiver, token=token_of(gift)), 409, "gift_returned")


def test_a_refund_after_more_was_given_than_the_rest_has_leaves_nothing(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    pay(giver, bundle)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    payment = pay(giver, bundle)
    assert_success(given(giver, receiver, mb=8000), 201)
    hear(payment, Outcome.REVERSED)
    own = Subscription.objects.get()
    assert (own.state, own.data_limit_bytes) == ("active", 0)
    assert_success(withdraw(giver, Gift.objects.get()))
    own.refresh_from_db()
    assert (own.data_limit_bytes, own.used_up_at) == (5 * 10**9, None)


def test_nobody_gives_more_than_is_left(giver: User, receiver: User, bundle: Bundle) -> None:
    pay(giver, bundle)
    Subscription.objects.update(data_used_bytes=10**9)
    assert_error(given(giver, receiver, mb=4000), 409, "more_than_is_left")
    assert_success(given(giver, receiver, mb=4000 - NOT_REPORTED_YET_BYTES // 10**6 - 1), 201)
    assert not Subscription.objects.get().is_spent
    assert_error(given(giver, receiver, mb=1), 409, "more_than_is_left")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"data_mb": 0}, 400, "validation_error"),
        ({"data_mb": -5}, 400, "validation_error"),
        ({"data_mb": 10**30}, 400, "validation_error"),
        ({"data_mb": "much"}, 400, "validation_error"),
        ({"phone": "12"}, 400, "invalid_phone_number"),
        ({"phone": "+254712345678"}, 400, "invalid_phone_number"),
        ({"phone": None}, 400, "validation_error"),
        ({"subscription_id": 999_999}, 404, "subscription_not_found"),
    ],
)
def test_what_cannot_be_given_is_refused(
    giver: User, receiver: User, bundle: Bundle, changes: Any, status: int, code: str
) -> None:
    pay(giver, bundle)
    assert_error(given(giver, receiver, **changes), status, code)
    assert not Gift.objects.exists()


def test_nobody_gives_to_oneself_nor_what_has_ended_nor_anothers(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    pay(giver, bundle)
    assert_error(given(giver, giver), 400, "gift_to_oneself")
    assert_error(ask_to_give(giver, bundle, giver.phone), 400, "gift_to_oneself")
    assert_error(ask_to_give(giver, bundle, "+4479460000"), 400, "invalid_phone_number")
    own = Subscription.objects.get()
    body = {"subscription_id": own.pk, "phone": a_phone(), "data_mb": 1}
    answer = signed_in(receiver).post("/api/gifts", body, format="json")
    assert_error(answer, 404, "subscription_not_found")
    Subscription.objects.update(awaits_first_use=True)
    assert_error(given(giver, receiver), 409, "subscription_not_begun")
    Subscription.objects.update(awaits_first_use=False)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert_error(given(giver, receiver), 409, "subscription_over")


def test_data_is_given_away_ten_times_a_day(giver: User, receiver: User, bundle: Bundle) -> None:
    pay(giver, bundle)
    for _ in range(10):
        assert_success(given(giver, receiver, mb=1), 201)
    assert_error(given(giver, receiver, mb=1), 429, "too_many_gifts")


def test_somebody_elses_gift_is_not_there(giver: User, receiver: User, bundle: Bundle) -> None:
    bought(giver, bundle, receiver)
    gift, other = Gift.objects.get(), a_customer()
    assert_error(claim(other, gift_id=gift.pk), 404, "gift_not_found")
    assert_error(claim(other, token="guessed"), 404, "gift_not_found")
    assert_error(claim(other), 400, "validation_error")
    for stranger in (other, receiver):
        assert_error(withdraw(stranger, gift), 404, "gift_not_found")
    assert_error(claim(giver, token=token_of(gift)), 400, "gift_to_oneself")
    assert listed(other) == []
    User.objects.update(phone_verified_at=None)
    receiver.refresh_from_db()
    assert listed(receiver) == []
    assert_error(claim(receiver, gift_id=gift.pk), 404, "gift_not_found")


def test_receivers_of_old_gifts_are_forgotten(giver: User, receiver: User, bundle: Bundle) -> None:
    bought(giver, bundle, receiver)
    gift = Gift.objects.get()
    assert_success(ask_to_give(giver, bundle, a_phone()), 201)  # and never paid
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        assert forget_old_receivers() == 0  # it waits
        assert return_unclaimed() == 1
    with time_machine.travel(timezone.now() + timedelta(days=182)):
        assert forget_old_receivers() == 1
    gift.refresh_from_db()
    assert gift.phone == ""
    assert not Purchase.objects.exclude(gift_phone="").exists()
    assert Message.objects.get(key=f"gift:{gift.pk}").to == ""


def test_no_account_is_deleted_while_its_gift_waits(
    giver: User, receiver: User, bundle: Bundle
) -> None:
    bought(giver, bundle, receiver)
    with pytest.raises(AccountInUse, match="gift"):
        delete_account(user=giver, password="not-a-secret-1", gives_up_service=True)
    assert_success(claim(receiver, gift_id=Gift.objects.get().pk))
    delete_account(user=receiver, password="not-a-secret-1", gives_up_service=True)
    assert Gift.objects.get().phone == ""
