"""A customer names a receipt: it is theirs, nobody's, or somebody else's, which looks the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy
from cases.models import Case
from cases.services import resolve_case
from cases.subjects import subject_of
from notifications.models import Message
from payments.models import (
    Bill,
    MobileMoneyTransaction,
    Payment,
    ProviderCall,
    ReceiptClaim,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.base import Answer, Outcome, Withheld
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.receipts import EAST_AFRICA_TIME
from payments.services.apply_delivery import apply_delivery
from payments.services.claims.ask import look_and_ask
from payments.services.match.run import match_statements
from payments.services.sweep import sweep_claims
from payments.tests.certificates import certificate
from payments.tests.conftest import MPESA
from payments.tests.conftest import wire as wire
from payments.tests.factories import a_customer
from payments.tests.matching import a_line
from payments.tests.test_receive_bill import confirm
from vpn.diagnosis import Finding
from vpn.tests.ailments import befall

pytestmark = pytest.mark.django_db(transaction=True)

App = Callable[[User], APIClient]
RECEIPT = "SG632NMUAB"
STATUS = f"{MPESA}/mpesa/transactionstatus/v1/query"


@pytest.fixture
def customer() -> User:
    """Somebody whose phone is proved, and who reads English."""
    user = a_customer()
    user.phone_verified_at, user.language = timezone.now(), "en"
    user.save()
    return user


def expired(customer: User, price: int = 1_000) -> Payment:
    """A purchase that was asked for and, as far as we know, never paid."""
    payment = buy(customer, a_bundle(price=price))
    now = timezone.now()
    MobileMoneyTransaction.objects.filter(payment=payment).update(
        status="expired", posted_at=now - timedelta(minutes=20), next_check_at=None
    )
    Payment.objects.filter(pk=payment.pk).update(state="expired", follow_up_at=None)
    return payment


def claim(app: APIClient, receipt: str = RECEIPT, **more: str) -> dict[str, Any]:
    answer: Any = app.post("/api/help/receipt", {"receipt": receipt, **more}, format="json")
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()["data"]
    return told


def in_suspense(customer: User, amount: int = 1_000, **changes: str) -> None:
    """The customer has paid by the provider's menu, for nothing that we know."""
    confirm(
        TransID=RECEIPT,
        TransAmount=str(amount),
        BillRefNumber="thanks",
        BusinessShortCode=registry.short_code("mpesa_daraja"),
        **{"MSISDN": (customer.phone or "").removeprefix("+"), **changes},
    )
    assert Bill.objects.get().state == "suspense"


def told_by_sms() -> list[str]:
    return list(
        Message.objects.filter(message_id__startswith="receipt_")
        .order_by("created_at")
        .values_list("message_id", flat=True)
    )


def due(**ago: int) -> None:
    """Move the claims into the past, and let the next look happen now."""
    then = timezone.now() - timedelta(**ago)
    ReceiptClaim.objects.update(claimed_at=then, next_look_at=timezone.now(), asked_at=None)
    for key in ReceiptClaim.objects.values_list("pk", flat=True):
        look_and_ask(claim_id=key)


# --- known at once ---


def test_a_receipt_of_ones_own_payment_tells_how_that_stands(paid: Payment, app_of: App) -> None:
    befall(paid, Finding.NOT_FETCHED)
    app = app_of(paid.payer)
    MobileMoneyTransaction.objects.update(provider_transaction_id=RECEIPT)
    told = claim(app, f"{RECEIPT.lower()} Imethibitishwa. Umelipa TSh1,000.00 kwa KONEKTIKA")
    assert (told["outcome"], told["payment_id"]) == ("found", paid.public_id)
    assert told["next_step"]["code"] == "get_configuration"
    assert told["did"] == "sent_link", "what keeps it from its use is mended"
    assert claim(app)["id"] == told["id"], "the same claim again"
    assert not told_by_sms(), "they read it just now"


def test_somebody_elses_receipt_looks_like_one_that_nobody_knows(
    paid: Payment, app_of: App, customer: User
) -> None:
    MobileMoneyTransaction.objects.update(provider_transaction_id=RECEIPT)
    app = app_of(customer)
    theirs, unknown = claim(app), claim(app, "SG632NMUAC")
    for name in ("id", "receipt", "claimed_at"):
        assert theirs.pop(name) != unknown.pop(name)
    assert theirs == unknown
    assert theirs["outcome"] == "looking"
    due(days=4)
    states = ReceiptClaim.objects.values_list("state", flat=True)
    assert set(states) == {"with_staff"}, "time tells no more"


def test_guessing_ends_soon(app_of: App, customer: User) -> None:
    app = app_of(customer)
    refused = app.post("/api/help/receipt", {"receipt": "I paid"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "receipt_not_read")
    for number in range(3):
        claim(app, f"SG632NMUA{number}")
    refused = app.post("/api/help/receipt", {"receipt": "SG632NMUA7"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_receipts")
    assert claim(app, "SG632NMUA0")["outcome"] == "looking", "an earlier one is no guess"


def test_claims_are_listed_to_whoever_made_them(app_of: App, customer: User) -> None:
    app = app_of(customer)
    first, second = claim(app, "SG632NMUA0"), claim(app, "SG632NMUA1")
    listed = app.get("/api/help/receipt?limit=1").json()["data"]
    assert [each["id"] for each in listed["receipts"]] == [second["id"]]
    assert listed["pagination"]["total_items"] == 2
    assert app.get(f"/api/help/receipt/{first['id']}").json()["data"]["outcome"] == "looking"
    assert app_of(a_customer()).get(f"/api/help/receipt/{first['id']}").status_code == 404


# --- money that nobody was given ---


def test_suspended_money_of_the_proved_phone_pays_the_one_thing_that_fits(
    app_of: App, customer: User
) -> None:
    payment = expired(customer)
    expired(customer, price=2_000)
    in_suspense(customer)
    told = claim(app_of(customer))
    assert (told["outcome"], told["payment_id"]) == ("found", payment.public_id)
    assert Subscription.objects.get().customer == customer
    assert Bill.objects.get().state == "placed"
    assert payment.events.last().evidence.endswith("names its receipt")  # type: ignore[union-attr]


def unproved(customer: User) -> None:
    User.objects.filter(pk=customer.pk).update(phone_verified_at=None)


def another_phone(customer: User) -> None:
    Bill.objects.update(msisdn="255754999999")


def another_amount(customer: User) -> None:
    Payment.objects.update(amount=1_500)


def two_things(customer: User) -> None:
    expired(customer)


def long_before(customer: User) -> None:
    Bill.objects.update(created_at=timezone.now() - timedelta(hours=1))


def a_rival(customer: User) -> None:
    ReceiptClaim.objects.create(customer=a_customer(), receipt=RECEIPT.lower())


@pytest.mark.parametrize(
    "differs",
    [unproved, another_phone, another_amount, two_things, long_before, a_rival],
)
def test_suspended_money_moves_on_no_guess(
    app_of: App, customer: User, differs: Callable[[User], None]
) -> None:
    payment = expired(customer)
    in_suspense(customer)
    differs(customer)
    told = claim(app_of(customer))
    assert (told["outcome"], told["payment_id"]) == ("looking", None)
    assert Bill.objects.get().state == "suspense"
    case = Case.objects.get(kind="receipt_claimed")
    assert case.subject == f"receipt:{told['id']}"
    assert str(customer) in case.detail
    assert (RECEIPT in case.detail, case.customer_waits) == (True, True)
    assert payment.public_id in case.detail or differs is a_rival


# --- the provider is asked ---


@pytest.fixture
def daraja(settings: Any, wire: responses.RequestsMock) -> responses.RequestsMock:
    """M-Pesa with an initiator, who may ask by a receipt."""
    settings.MPESA_INITIATOR_NAME = settings.MPESA_INITIATOR_PASSWORD = "fake"
    settings.MPESA_CERTIFICATE = certificate()
    settings.MPESA_RESULT_URL = "https://konektika.example/api/webhooks/mpesa"
    registry.forget_clients()
    taken = {"ConversationID": "AG_1", "ResponseCode": "0", "ResponseDescription": "Accepted"}
    wire.post(STATUS, json=taken)
    return wire


def result(customer: User, code: object = 0, **changes: object) -> bytes:
    """What M-Pesa tells at the result URL."""
    now = datetime.now(EAST_AFRICA_TIME)
    told = {
        "DebitPartyName": f"{(customer.phone or '').removeprefix('+')} - ASHA JUMA",
        "CreditPartyName": f"{registry.short_code('mpesa_daraja')} - Konektika",
        "OriginatorConversationID": "theirs",
        "FinalisedTime": int(f"{now:%Y%m%d%H%M%S}"),
        "TransactionStatus": "Completed",
        "Amount": 1_000,
        "ReceiptNo": RECEIPT,
        **changes,
    }
    items = [{"Key": key, "Value": value} for key, value in told.items() if value is not None]
    body: dict[str, Any] = {"ResultType": 0, "ResultCode": code, "ResultDesc": "processed"}
    if code == 0:
        body["ResultParameters"] = {"ResultParameter": items}
    return json.dumps({"Result": body}).encode()


def hear(body: bytes, number: int = 1) -> WebhookDelivery:
    """The delivery of a result, of so many, once it is applied."""
    token = ReceiptClaim.objects.get().callback_token
    Client().post(f"/api/webhooks/mpesa/result/{token}", body, content_type="application/json")
    delivery = WebhookDelivery.objects.earliest("-id")
    assert WebhookDelivery.objects.count() == number
    apply_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    return delivery


def asked(app: APIClient, customer: User, wire: responses.RequestsMock) -> Payment:
    """A purchase that expired, and M-Pesa asked about its receipt."""
    payment = expired(customer)
    assert claim(app)["outcome"] == "looking"
    look_and_ask(claim_id=ReceiptClaim.objects.get().pk)
    return payment


def test_the_provider_is_asked_and_its_answer_pays(
    app_of: App, customer: User, daraja: responses.RequestsMock
) -> None:
    app = app_of(customer)
    payment = asked(app, customer, daraja)
    look_and_ask(claim_id=ReceiptClaim.objects.get().pk)
    (sent,) = [
        json.loads(each.request.body or "") for each in daraja.calls if each.request.url == STATUS
    ]
    named = ReceiptClaim.objects.get()
    assert (sent["TransactionID"], sent["CommandID"]) == (RECEIPT, "TransactionStatusQuery")
    assert sent["ResultURL"].endswith(f"/result/{named.callback_token}")
    call = ProviderCall.objects.get(claim=named)
    assert (call.kind, call.outcome) == ("receipt", "pending")
    assert hear(result(customer)).state == "applied"
    payment.refresh_from_db()
    assert (payment.state, payment.disposition) == ("completed", "fulfilled")
    told = app.get(f"/api/help/receipt/{named.pk}").json()["data"]
    assert (told["outcome"], told["payment_id"]) == ("found", payment.public_id)
    assert told_by_sms() == ["receipt_found"]
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"Amount": 900},
        {"DebitPartyName": "255754999999 - JUMA"},
        {"DebitPartyName": None},
        {"CreditPartyName": "600999 - Somebody"},
        {"DebitPartyName": "174379 - Konektika", "CreditPartyName": "255754123456 - ASHA"},
        {"ReceiptNo": "SG632NMUAC"},
        {"FinalisedTime": 20200101000000},
        {"FinalisedTime": None},
        {"TransactionStatus": "Failed"},
        {"TransactionStatus": "Sideways"},
    ],
)
def test_an_answer_that_differs_pays_nothing(
    app_of: App, customer: User, daraja: responses.RequestsMock, changes: dict[str, object]
) -> None:
    payment = asked(app_of(customer), customer, daraja)
    assert hear(result(customer, **changes)).state == "applied"
    payment.refresh_from_db()
    assert payment.state == "expired"
    assert Case.objects.get(kind="receipt_claimed").subject == ReceiptClaim.objects.get().subject
    assert ReceiptClaim.objects.get().state == "looking"


def test_who_is_not_proved_to_be_the_provider_is_not_believed(
    app_of: App, customer: User, daraja: responses.RequestsMock, settings: Any
) -> None:
    payment = asked(app_of(customer), customer, daraja)
    settings.MPESA_CALLBACK_SOURCES = [ip_network("196.201.214.0/24")]
    assert hear(result(customer)).state == "hint"
    payment.refresh_from_db()
    assert payment.state == "expired"


@pytest.mark.parametrize(("amount", "state"), [(1_000, "placed"), (1_001, "suspense")])
def test_whose_suspended_money_it_is_the_provider_tells(
    app_of: App, customer: User, daraja: responses.RequestsMock, amount: int, state: str
) -> None:
    """M-Pesa's own news of a bill masks who has paid it."""
    in_suspense(customer, amount, MSISDN="2557 ***** 126")
    payment = asked(app_of(customer), customer, daraja)
    assert not Case.objects.filter(kind="receipt_claimed").exists()
    hear(result(customer), 2)
    assert Bill.objects.get().state == state
    payment.refresh_from_db()
    assert (payment.state == "completed") == (state == "placed")
    assert Case.objects.filter(kind="receipt_claimed").exists() == (state == "suspense")


def test_a_provider_that_is_out_of_order_was_not_asked(
    app_of: App, customer: User, daraja: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    withheld = Answer(outcome=Outcome.UNKNOWN, withheld=Withheld.OUT_OF_ORDER)
    monkeypatch.setattr(MpesaDaraja, "query_receipt", lambda *_: withheld)
    asked(app_of(customer), customer, daraja)
    assert ReceiptClaim.objects.get().asks == 0


# --- the next statement decides ---


def test_a_statement_decides_what_the_provider_does_not_know(
    app_of: App, customer: User, daraja: responses.RequestsMock
) -> None:
    payment = asked(app_of(customer), customer, daraja)
    hear(result(customer, code="R000002"))
    assert not Case.objects.filter(kind="receipt_claimed").exists()
    a_line(RECEIPT, 1_000, msisdn=customer.phone, at=timezone.now())
    match_statements()
    due(hours=1)
    named = ReceiptClaim.objects.get()
    assert (named.state, named.payment) == ("found", payment)
    assert Subscription.objects.get().customer == customer
    assert told_by_sms() == ["receipt_found"]
    match_statements()
    assert payment.attempts.get().matches.get().rule == "R1"
    assert not Case.objects.filter(state="open").exists()


def test_what_a_statement_matches_with_ones_own_payment_is_found(
    paid: Payment, app_of: App
) -> None:
    MobileMoneyTransaction.objects.update(provider_transaction_id=None)
    claim(app_of(paid.payer))
    a_line(RECEIPT, 1_000, reference=paid.attempts.get().reference, at=timezone.now())
    match_statements()
    due(hours=1)
    assert ReceiptClaim.objects.get().payment == paid


def test_what_no_statement_tells_in_three_days_is_for_a_person(app_of: App, customer: User) -> None:
    app = app_of(customer)
    claim(app)
    due(days=2)
    assert not Case.objects.exists()
    due(days=3)
    due(days=3)
    assert claim(app)["outcome"] == "with_staff"
    case = Case.objects.get(kind="receipt_claimed")
    resolve_case(case=case, resolution="It is a receipt of another company.")
    due(days=4)
    assert claim(app)["outcome"] == "not_found"
    assert told_by_sms() == ["receipt_with_staff", "receipt_not_found"]


def test_each_claim_is_looked_at_again_by_itself(app_of: App, customer: User) -> None:
    claim(app_of(customer))
    assert sweep_claims() == 0
    ReceiptClaim.objects.update(next_look_at=timezone.now())
    assert (sweep_claims(), sweep_claims()) == (1, 0)


# --- the web and the back-office ---


def test_the_web_takes_a_receipt_and_tells(paid: Payment) -> None:
    MobileMoneyTransaction.objects.update(provider_transaction_id=RECEIPT)
    User.objects.update(language="en")
    web = Client()
    web.post("/login", {"email": paid.payer.email, "password": "not-a-secret-1"})
    assert 'action="/help/receipt"' in web.get("/help").content.decode()
    refused = web.post("/help/receipt", {"text": "I paid", "provider": ""})
    assert "Enter the number alone" in refused.content.decode()
    answer = web.post("/help/receipt", {"text": RECEIPT, "provider": "vodacom_mpesa"})
    shown = web.get(answer["Location"]).content.decode()
    assert f"/payment/{paid.public_id}" in shown
    assert answer["Location"] in web.get("/help/receipt").content.decode()


def test_staff_see_what_was_named(paid: Payment, app_of: App, client: Client) -> None:
    MobileMoneyTransaction.objects.update(provider_transaction_id=RECEIPT)
    told = claim(app_of(paid.payer))
    client.force_login(User.objects.create_superuser("b@example.test", "x", full_name="Boss"))
    page = f"/admin/payments/receiptclaim/{told['id']}/change/"
    shown = client.get(page).content.decode()
    assert RECEIPT in shown
    assert ReceiptClaim.objects.get().callback_token not in shown
    assert page in client.get(f"/admin/accounts/user/{paid.payer_id}/change/").content.decode()
    payment = client.get(f"/admin/payments/payment/{paid.pk}/change/").content.decode()
    assert f"The customer named receipt {RECEIPT}" in payment
    assert subject_of(f"receipt:{told['id']}").link == page
