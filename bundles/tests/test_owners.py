"""Owners: approved by staff, selling within their connection, told all of their own business."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.sign_in import new_token
from bundles.models import Activation, Bundle, Owner, Purchase, Subscription, Terms
from bundles.services.earn import release_earnings
from bundles.services.owners import decide_owner
from bundles.services.pay_owners import pay_weekly
from bundles.tests.test_buy_and_activate import buy, hear, pay
from notifications.models import Message
from payments import ledger
from payments.models import Payment, Transfer, TransferRules
from payments.services.payout import pay_out
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import REFUSED, FakeProvider, sent
from payments.tests.outgoing import provider as provider

pytestmark = pytest.mark.django_db(transaction=True)

OFFER = {
    "name": "Mwenge Monthly",
    "data_limit_gb": 10,
    "price": 5_000,
    "duration_days": 30,
    "max_clients": 5,
}
CONNECTION = {"about": "TTCL fibre, Mwenge", "connection_gb": 1_000, "connection_seats": 20}


def app_of(person: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(user=person)}")
    return client


def post(app: APIClient, path: str, **body: Any) -> Any:
    return app.post(f"/api/owner{path}", body, format="json")


def data(answer: Any) -> dict[str, Any]:
    assert answer.status_code < 300, answer.content
    told: dict[str, Any] = answer.json()["data"]
    return told


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def person() -> User:
    owner = an_owner()
    owner.language = User.Language.ENGLISH
    owner.save()
    return owner


@pytest.fixture
def owner(person: User) -> User:
    """Somebody who may sell."""
    post(app_of(person), "/apply", **CONNECTION)
    decide(person, "approved")
    return person


def decide(person: User, state: str, why: str = "All is in order.") -> Owner:
    owner = Owner.objects.get(person=person)
    return decide_owner(owner_id=owner.pk, state=state, by=a_customer(), why=why)


def offer(app: APIClient, **changes: Any) -> Any:
    return post(app, "/bundles", **{**OFFER, **changes})


# --- becoming an owner ---


def test_whoever_applies_waits_for_a_decision_and_is_told(person: User) -> None:
    app = app_of(person)
    assert refused(app.get("/api/owner")) == (403, "not_an_owner")
    assert post(app, "/apply", **CONNECTION).status_code == 201
    assert refused(post(app, "/apply", **CONNECTION)) == (409, "application_exists")
    assert data(app.get("/api/owner"))["owner"]["state"] == "applied"
    assert refused(offer(app)) == (403, "not_an_owner")
    decide(person, "approved")
    person.refresh_from_db()
    assert person.role == User.Role.OWNER
    assert Message.objects.get(to=person.phone).message_id == "owner_approved"
    assert offer(app).status_code == 201


def test_whoever_was_declined_reads_why_and_may_ask_again(person: User) -> None:
    app = app_of(person)
    post(app, "/apply", **CONNECTION)
    decide(person, "declined", "The contract is missing.")
    told = Message.objects.filter(message_id="owner_declined")
    assert {message.to for message in told} == {person.phone, person.email}
    assert all("contract is missing" in message.text for message in told)
    assert data(app.get("/api/owner"))["owner"]["decision"] == "The contract is missing."
    again = {**CONNECTION, "about": "TTCL fibre, with the contract"}
    assert data(post(app, "/apply", **again))["owner"]["state"] == "applied"


def test_a_suspended_owner_sells_nothing_and_customers_keep_what_they_have(owner: User) -> None:
    app = app_of(owner)
    bundle = Bundle.objects.get(pk=data(offer(app))["bundle"]["id"])
    pay(a_customer(), bundle)
    decide(owner, "suspended", "Complaints.")
    bundle.refresh_from_db()
    assert not bundle.is_active
    assert bundle.versions.count() == 2
    assert refused(post(app, f"/bundles/{bundle.pk}/resume")) == (403, "not_an_owner")
    assert Subscription.objects.get().state == "active"
    assert data(app.get("/api/owner/sales"))["pagination"]["total_items"] == 1


def test_a_decision_fits_the_state(owner: User) -> None:
    from bundles.errors import NotDecidable

    for state in ("approved", "declined"):
        with pytest.raises(NotDecidable):
            decide(owner, state)


def test_staff_decide_in_the_admin_with_a_reason(person: User, client: Client) -> None:
    post(app_of(person), "/apply", **CONNECTION)
    boss = User.objects.create_superuser("boss@example.test", "x", full_name="Boss")
    client.force_login(boss)
    owner = Owner.objects.get()
    page = f"/admin/bundles/owner/{owner.pk}"
    form = client.get(f"{page}/approve/").context["form"]
    client.post(f"{page}/approve/", {"why": "Seen the line.", "key": form["key"].value()})
    owner.refresh_from_db()
    assert (owner.state, owner.decided_by, owner.decision) == ("approved", boss, "Seen the line.")
    assert client.get("/admin/bundles/owner/999999/approve/").status_code == 404


# --- what is offered ---


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": 999}, "invalid_offer"),
        ({"price": 50_001}, "invalid_offer"),
        ({"max_clients": 21}, "more_than_the_connection"),
        ({"max_clients": 11, "data_limit_gb": 100}, "more_than_the_connection"),
        ({"duration_days": 1, "data_limit_gb": 7}, "more_than_the_connection"),
        ({"data_limit_gb": 0}, "validation_error"),
        ({"name": ""}, "validation_error"),
        ({"price": "free"}, "validation_error"),
    ],
)
def test_an_offer_keeps_within_the_terms_and_the_connection(
    owner: User, changes: dict[str, Any], code: str
) -> None:
    Terms.current()
    assert refused(offer(app_of(owner), **changes)) == (400, code)
    assert not Bundle.objects.exists()


def test_all_bundles_on_sale_count_together_and_paused_ones_do_not(owner: User) -> None:
    app = app_of(owner)
    first = data(offer(app, max_clients=15))["bundle"]["id"]
    assert refused(offer(app, max_clients=6)) == (400, "more_than_the_connection")
    assert data(post(app, f"/bundles/{first}/pause"))["bundle"]["is_active"] is False
    assert offer(app, max_clients=6).status_code == 201
    assert refused(post(app, f"/bundles/{first}/resume")) == (400, "more_than_the_connection")


def test_a_new_price_touches_no_purchase_that_was_made(owner: User) -> None:
    app = app_of(owner)
    bundle = Bundle.objects.get(pk=data(offer(app))["bundle"]["id"])
    payment = pay(a_customer(), bundle)
    changed = app.put(f"/api/owner/bundles/{bundle.pk}", {"price": 6_000}, format="json")
    assert data(changed)["bundle"]["price"] == 6_000
    assert Purchase.objects.get(pk=Purchase.id_from(payment.subject)).price == 5_000


def test_a_new_price_touches_no_payment_that_waits_for_its_pin(owner: User) -> None:
    app, customer = app_of(owner), a_customer()
    bundle = Bundle.objects.get(pk=data(offer(app))["bundle"]["id"])
    waiting = buy(customer, bundle)
    dearer = {"price": 6_000, "data_limit_gb": 20}
    data(app.put(f"/api/owner/bundles/{bundle.pk}", dearer, format="json"))
    assert buy(customer, bundle) == waiting
    assert hear(waiting).disposition == "fulfilled"
    assert Subscription.objects.get().data_limit_bytes == 10 * 10**9
    assert data(app.get("/api/owner/sales"))["sales"][0]["price"] == 5_000


def test_a_pause_while_a_pin_is_waited_for_lets_that_payment_buy(owner: User) -> None:
    app = app_of(owner)
    bundle = Bundle.objects.get(pk=data(offer(app))["bundle"]["id"])
    waiting = buy(a_customer(), bundle)
    post(app, f"/bundles/{bundle.pk}/pause")
    hear(waiting)
    assert Subscription.objects.get().bundle == bundle


def test_places_that_are_taken_stay(owner: User) -> None:
    app = app_of(owner)
    bundle = Bundle.objects.get(pk=data(offer(app))["bundle"]["id"])
    pay(a_customer(), bundle)
    pay(a_customer(), bundle)
    answer = app.put(f"/api/owner/bundles/{bundle.pk}", {"max_clients": 1}, format="json")
    assert refused(answer) == (400, "invalid_offer")


def test_somebody_elses_bundle_is_not_found(owner: User) -> None:
    app, stranger = app_of(owner), an_owner()
    bundle = data(offer(app))["bundle"]["id"]
    post(app_of(stranger), "/apply", **CONNECTION)
    decide(stranger, "approved")
    theirs = app_of(stranger)
    assert theirs.get(f"/api/owner/bundles/{bundle}").status_code == 404
    put = theirs.put(f"/api/owner/bundles/{bundle}", {"price": 2_000}, format="json")
    assert put.status_code == 404
    for verb in ("pause", "resume"):
        assert post(theirs, f"/bundles/{bundle}/{verb}").status_code == 404
    assert upload(theirs, bundle, a_picture()).status_code == 404


# --- pictures ---


def a_picture(size: tuple[int, int] = (1_200, 900), kind: str = "JPEG") -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", size, "teal").save(drawn, kind)
    return drawn.getvalue()


def upload(app: APIClient, bundle_id: int, content: bytes) -> Any:
    picture = SimpleUploadedFile("../../me.jpg", content, content_type="image/jpeg")
    return app.post(f"/api/owner/bundles/{bundle_id}/picture", {"picture": picture})


@pytest.fixture
def bundle_id(owner: User, settings: Any, tmp_path: Any) -> int:
    settings.MEDIA_ROOT = tmp_path
    return int(data(offer(app_of(owner)))["bundle"]["id"])


def test_a_picture_is_drawn_anew_and_served_to_anybody(owner: User, bundle_id: int) -> None:
    app = app_of(owner)
    url = data(upload(app, bundle_id, a_picture()))["bundle"]["picture_url"]
    served = Client().get(url)
    assert (served.status_code, served["Content-Type"]) == (200, "image/webp")
    content: Any = served.streaming_content  # type: ignore[attr-defined]  # of a file
    with Image.open(io.BytesIO(b"".join(content))) as drawn:
        assert drawn.size == (640, 360)
    listed = APIClient().get("/api/bundles").json()["data"]["bundles"]
    assert listed[0]["picture_url"] == url
    other = data(upload(app, bundle_id, a_picture(kind="PNG")))["bundle"]["picture_url"]
    assert other != url
    assert Client().get(url).status_code == 404


@pytest.mark.parametrize(
    "content", [b"", b"<svg/>", b"GIF89a" + b"0" * 99, a_picture()[:300], b"x" * 5_000_001]
)
def test_what_is_no_picture_is_refused(owner: User, bundle_id: int, content: bytes) -> None:
    answer = upload(app_of(owner), bundle_id, content)
    assert refused(answer) == (400, "invalid_picture")
    assert Bundle.objects.get().picture.name == ""


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "a.webp", "%00.webp", "0" * 24])
def test_nothing_but_pictures_is_served(name: str) -> None:
    assert Client().get(f"/pictures/{name}").status_code == 404


# --- figures, payouts, statement ---


@pytest.fixture
def sold(owner: User, provider: FakeProvider) -> Payment:
    """One sale of 5,000 TZS, of which the owner gets 4,500; it is delivered."""
    bundle = Bundle.objects.get(pk=data(offer(app_of(owner)))["bundle"]["id"])
    payment = pay(a_customer(), bundle)
    Subscription.objects.update(data_used_bytes=2 * 10**9)
    return payment


def delivered() -> None:
    Activation.objects.update(created_at=timezone.now() - timedelta(days=4))
    release_earnings()


def earnings(owner: User) -> dict[str, Any]:
    return data(app_of(owner).get("/api/owner/earnings"))


def test_figures_tell_what_was_sold_and_used(owner: User, sold: Payment) -> None:
    shown = data(app_of(owner).get("/api/owner/bundles"))["bundles"][0]
    told = {name: shown[name] for name in ("seats_taken", "sales", "sold_bytes", "used_bytes")}
    assert told == {"seats_taken": 1, "sales": 1, "sold_bytes": 10**10, "used_bytes": 2 * 10**9}


def test_customers_and_sales_are_masked(owner: User, sold: Payment) -> None:
    app = app_of(owner)
    for name in ("customers", "sales"):
        answer = app.get(f"/api/owner/{name}")
        assert str(sold.payer.phone) not in answer.content.decode()
        assert sold.payer.email not in answer.content.decode()
        assert "***" in data(answer)[name][0]["phone"]
    sale = data(app.get("/api/owner/sales"))["sales"][0]
    shares = [sale[name] for name in ("price", "commission", "tax", "earnings", "state")]
    assert shares == [5_000, 500, 0, 4_500, "held"]


def test_others_see_nothing_of_it(owner: User, sold: Payment) -> None:
    stranger = app_of(a_customer())
    for name in ("bundles", "customers", "sales"):
        assert data(stranger.get(f"/api/owner/{name}"))[name] == []
    assert data(stranger.get("/api/owner/earnings"))["held"] == 0


def test_what_is_delivered_is_paid_out_when_asked(owner: User, sold: Payment) -> None:
    app = app_of(owner)
    assert refused(post(app, "/payouts")) == (409, "nothing_to_pay_out")
    delivered()
    assert earnings(owner)["earned"] == 4_500
    first = data(post(app, "/payouts", amount=1_000))
    again = data(post(app, "/payouts", amount=1_000))
    assert first["transfer_id"] == again["transfer_id"]
    sent(Transfer.objects.get())
    told = earnings(owner)
    assert [told[name] for name in ("earned", "on_its_way", "paid_out")] == [3_500, 0, 1_000]


@pytest.mark.parametrize(
    ("state", "body", "code"),
    [
        ({}, {"amount": 4_501}, (409, "nothing_to_pay_out")),
        ({}, {"amount": 0}, (400, "validation_error")),
        ({}, {"amount": -1}, (400, "validation_error")),
        ({"phone_verified_at": None}, {}, (409, "phone_not_proved")),
        ({"phone_changed_at": timezone.now()}, {}, (409, "payout_frozen")),
    ],
)
def test_a_payout_that_cannot_be_takes_nothing(
    owner: User, sold: Payment, state: dict[str, Any], body: dict[str, int], code: tuple[int, str]
) -> None:
    delivered()
    User.objects.filter(pk=owner.pk).update(**state)
    assert refused(post(app_of(owner), "/payouts", **body)) == code
    assert earnings(owner)["earned"] == 4_500


def test_a_key_names_one_payout(owner: User, sold: Payment) -> None:
    delivered()
    app = app_of(owner)

    def ask(amount: int) -> Any:
        body = {"amount": amount}
        return app.post(
            "/api/owner/payouts", body, format="json", headers={"Idempotency-Key": "k1"}
        )

    assert data(ask(1_000))["transfer_id"] == data(ask(1_000))["transfer_id"]
    assert refused(ask(2_000)) == (422, "idempotency_key_reused")


def test_all_that_is_earned_is_paid_once_by_its_key(owner: User, sold: Payment) -> None:
    delivered()
    app, key = app_of(owner), {"Idempotency-Key": "k1"}
    first, again = (
        data(app.post("/api/owner/payouts", {}, format="json", headers=key)) for _ in range(2)
    )
    assert (first["amount"], first["transfer_id"]) == (4_500, again["transfer_id"])


def test_a_large_payout_waits_for_staff(owner: User, sold: Payment) -> None:
    delivered()
    TransferRules.objects.create(four_eyes_above=1_000)
    assert data(post(app_of(owner), "/payouts"))["state"] == "requested"


def test_each_monday_those_who_want_it_are_paid_once(owner: User, sold: Payment) -> None:
    delivered()
    wish = app_of(owner).put("/api/owner", {"is_paid_weekly": True}, format="json")
    assert data(wish)["owner"]["is_paid_weekly"] is True
    monday = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)  # 00:30 in Dar es Salaam
    with time_machine.travel(monday - timedelta(hours=1)):
        assert pay_weekly() == 0
    with time_machine.travel(monday):
        assert [pay_weekly(), pay_weekly()] == [1, 0]
    assert Transfer.objects.get().amount == 4_500


def test_one_who_cannot_be_paid_keeps_nobody_waiting(owner: User, sold: Payment) -> None:
    delivered()
    other = an_owner()
    Owner.objects.create(person=other, state="approved", is_paid_weekly=True, **CONNECTION)
    account = f"earnings:{other.pk}"
    ledger.post(source="earned", memo="", lines=[("delivered", 2_000), (account, -2_000)])
    Owner.objects.update(is_paid_weekly=True)
    User.objects.filter(pk=owner.pk).update(phone_verified_at=None)
    with time_machine.travel(datetime(2026, 11, 30, 9, tzinfo=UTC)):
        assert pay_weekly() == 1
    assert Transfer.objects.get().payee == other


def statement(owner: User, form: str = "") -> Any:
    today = timezone.now().date()
    days = {"first": f"{today - timedelta(days=3)}", "last": f"{today + timedelta(days=1)}"}
    return app_of(owner).get(f"/api/owner/statement{form}", days)


def test_a_statement_adds_up_to_the_ledger(owner: User, sold: Payment) -> None:
    delivered()
    post(app_of(owner), "/payouts", amount=1_000)
    told = data(statement(owner))
    assert [line["what"] for line in told["lines"]] == [
        "Sold",
        "Delivered: now payable",
        "Paid out, or sent back to a customer",
    ]
    assert [line["balance"] for line in told["lines"]] == [4_500, 4_500, 3_500]
    accounts = (f"earnings_held:{owner.pk}", f"earnings:{owner.pk}")
    assert told["closing"] == -sum(ledger.balance(account) for account in accounts) == 3_500


def test_a_statement_says_what_came_back_and_masks_what_staff_wrote(
    owner: User, sold: Payment, provider: FakeProvider
) -> None:
    delivered()
    provider.answers = [REFUSED]
    sent(Transfer.objects.get(pk=pay_out_by_staff(owner, "Asked by +255754123456").pk))
    lines = data(statement(owner))["lines"][-2:]
    assert lines[0]["memo"] == "Asked by +255754***456"
    assert (lines[1]["what"], lines[1]["balance"]) == ("Not sent: back on the account", 4_500)


def pay_out_by_staff(owner: User, why: str) -> Transfer:
    account = f"earnings:{owner.pk}"
    return pay_out(payee_id=owner.pk, account=account, amount=1_000, why=why, by=a_customer())


def test_a_statement_is_a_file_too(owner: User, sold: Payment) -> None:
    csv = statement(owner, ".csv")
    assert "attachment" in csv["Content-Disposition"]
    assert "Sold" in csv.content.decode()
    assert statement(owner, ".pdf").content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "days",
    [
        {},
        {"first": "2026-01-02", "last": "2026-01-01"},
        {"first": "0001-01-01", "last": "9999-12-31"},
    ],
)
def test_a_period_is_a_year_at_most(owner: User, days: dict[str, str]) -> None:
    answer = app_of(owner).get("/api/owner/statement", days)
    assert refused(answer) == (400, "validation_error")


@pytest.mark.parametrize("path", ["bundles", "sales", "customers"])
def test_lists_ask_as_often_however_long_they_are(
    owner: User, sold: Payment, path: str, django_assert_max_num_queries: Any
) -> None:
    app = app_of(owner)
    bundle = Bundle.objects.get()

    def asked() -> int:
        with django_assert_max_num_queries(20) as counted:
            data(app.get(f"/api/owner/{path}"))
        return len(counted)

    few = asked()
    for _ in range(3):
        pay(a_customer(), bundle)
    offer(app, name="Another", max_clients=1, data_limit_gb=1)
    assert asked() == few
