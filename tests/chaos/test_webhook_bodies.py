"""Whatever is posted to a webhook is kept and answered; only what is proved moves anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from bundles.models import Subscription
from cases.models import Case
from payments.models import MobileMoneyTransaction, Payment, WebhookDelivery
from tests import callbacks
from tests.person import Json, Person
from tests.staff import Staff
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.redis

PROVIDERS = ("vodacom_mpesa", "tigo_pesa", "airtel_money")
PATHS = {"vodacom_mpesa": "mpesa", "tigo_pesa": "tigo-pesa", "airtel_money": "airtel-money"}
LIMIT = 64 * 1024


@dataclass(frozen=True)
class Waiting:
    """A customer whose phone shows the prompt, and what the provider would call us with."""

    system: System
    person: Person
    payment: Json
    attempt: MobileMoneyTransaction

    def body(self, *, amount: int | None = None, key: str = "") -> bytes:
        attempt = self.attempt
        receipt = f"RCPT{attempt.pk}X"
        paid = self.payment["amount"] if amount is None else amount
        environment = self.system.environment
        if attempt.provider == "vodacom_mpesa":
            handle = attempt.provider_reference or ""
            msisdn = self.person.phone.removeprefix("+")
            return callbacks.mpesa(handle, amount=paid, receipt=receipt, msisdn=msisdn)
        if attempt.provider == "tigo_pesa":
            reference = environment["TIGO_PESA_BILLER_CODE"] + attempt.reference
            return callbacks.tigo(reference, amount=paid, receipt=receipt)
        key = key or environment["AIRTEL_CALLBACK_KEY"]
        return callbacks.airtel(attempt.reference, receipt=receipt, key=key)

    @property
    def open_path(self) -> str:
        """The provider's public path, which anybody can guess."""
        return f"{self.system.url}/api/webhooks/{PATHS[self.attempt.provider]}"

    @property
    def proven_path(self) -> str:
        """Where only the provider can post: the attempt's token, Tigo's secret path."""
        if self.attempt.provider == "tigo_pesa":
            return self.system.environment["TIGO_PESA_CALLBACK_URL"]
        return f"{self.open_path}/{self.attempt.callback_token}"

    def assert_nothing_happened(self) -> None:
        assert self.person.payment(self.payment)["state"] == "pending"
        assert not self.system.rows(Subscription).filter(customer_id=self.person.id).exists()


@pytest.fixture
def waits(system: System, newcomer: Callable[..., Person]) -> Callable[[str], Waiting]:
    """Starts a payment that stays unanswered."""

    def start(provider: str) -> Waiting:
        person = newcomer(provider)
        payment = person.asks_to_pay()
        rows = system.rows(MobileMoneyTransaction)
        prompted = rows.filter(
            reference=payment["transaction_reference"], api_response__isnull=False
        )
        attempt = wait_until(prompted.first, 15)
        return Waiting(system, person, payment, attempt)

    return start


def post(url: str, body: bytes, **headers: str) -> requests.Response:
    return requests.post(
        url, data=body, headers={"Content-Type": "application/json", **headers}, timeout=10
    )


def kept(system: System, url: str, body: bytes, **headers: str) -> WebhookDelivery:
    """Post a body that is acknowledged, and the delivery as it was kept."""
    before = system.rows(WebhookDelivery).first()
    response = post(url, body, **headers)
    assert response.status_code == 200
    assert isinstance(response.json(), dict)
    delivery = system.rows(WebhookDelivery).get(
        pk__gt=before.pk if before else 0, body=body[:LIMIT]
    )
    assert delivery.body_bytes == len(body)
    return delivery


def processed(system: System, delivery: WebhookDelivery) -> WebhookDelivery:
    done = system.rows(WebhookDelivery).filter(pk=delivery.pk, processed_at__isnull=False)
    return wait_until(done.first, 10)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forged_callback_is_only_a_hint(waits: Callable[[str], Waiting], provider: str) -> None:
    """Right in every word, but unsigned or wrongly signed, by a path that everybody knows."""
    waiting = waits(provider)
    forged = waiting.body(key="not-the-key")
    delivery = processed(waiting.system, kept(waiting.system, waiting.open_path, forged))
    assert delivery.state == "hint"
    assert delivery.attempt_id == waiting.attempt.pk
    waiting.assert_nothing_happened()
    cases = waiting.system.rows(Case).filter(
        kind="unanswerable_hint", subject=f"payment:{waiting.payment['payment_id']}"
    )
    assert cases.count() == (1 if provider == "tigo_pesa" else 0)  # Tigo cannot be asked


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_truncated_callback_is_kept_as_malformed(
    waits: Callable[[str], Waiting], provider: str, share: float
) -> None:
    waiting = waits(provider)
    body = waiting.body()
    cut = body[: int(len(body) * share)]
    delivery = processed(waiting.system, kept(waiting.system, waiting.proven_path, cut))
    assert delivery.state == "malformed"
    waiting.assert_nothing_happened()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp500"])
def test_another_encoding_activates_nothing(
    waits: Callable[[str], Waiting], provider: str, encoding: str
) -> None:
    waiting = waits(provider)
    body = waiting.body().decode().encode(encoding)
    delivery = processed(waiting.system, kept(waiting.system, waiting.proven_path, body))
    assert delivery.state == "malformed"
    waiting.assert_nothing_happened()


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"\x00" * 100, b"<xml/>", b'{"a":' * 5000, b"\xff\xfe"]
)
@pytest.mark.parametrize("path", PATHS.values())
def test_what_is_no_callback_is_kept_and_acknowledged(
    system: System, path: str, body: bytes
) -> None:
    delivery = kept(system, f"{system.url}/api/webhooks/{path}", body)
    assert processed(system, delivery).state in ("malformed", "unmatched")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_reference_becomes_a_case_after_a_minute(system: System, provider: str) -> None:
    body = {
        "vodacom_mpesa": callbacks.mpesa(
            "ws_CO_unknown", amount=1000, receipt="UNKNOWN1", msisdn="255754000001"
        ),
        "tigo_pesa": callbacks.tigo("KNKUNKNOWN", amount=1000, receipt="UNKNOWN2"),
        "airtel_money": callbacks.airtel(
            "UNKNOWN", receipt="UNKNOWN3", key=system.environment["AIRTEL_CALLBACK_KEY"]
        ),
    }[provider]
    delivery = kept(system, f"{system.url}/api/webhooks/{PATHS[provider]}", body)
    mine = system.rows(WebhookDelivery).filter(pk=delivery.pk)
    wait_until(mine.filter(tries__gte=1, state="received").exists, 10)
    mine.update(tries=6)  # as after a minute
    assert processed(system, delivery).state == "unmatched"
    assert (
        system.rows(Case)
        .filter(kind="unmatched_delivery", detail__contains=f"delivery {delivery.pk} ")
        .exists()
    )


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa"])
def test_a_smaller_amount_becomes_credit_and_a_case(
    waits: Callable[[str], Waiting], provider: str
) -> None:
    """Airtel's callback names no amount."""
    waiting = waits(provider)
    delivery = kept(waiting.system, waiting.proven_path, waiting.body(amount=999))
    assert processed(waiting.system, delivery).state == "applied"
    shown = waiting.person.payment(waiting.payment)
    assert (shown["state"], shown["status"]) == ("credited", "cancelled")
    assert not waiting.system.rows(Subscription).filter(customer_id=waiting.person.id).exists()
    payment = waiting.system.rows(Payment).get(public_id=waiting.payment["payment_id"])
    assert (payment.paid_amount, payment.disposition) == (999, "credited")
    assert (
        waiting.system.rows(Case)
        .filter(kind="underpaid", subject=f"payment:{payment.public_id}", amount=999)
        .exists()
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_body_over_64_kib_is_refused_and_its_beginning_kept(
    waits: Callable[[str], Waiting], provider: str
) -> None:
    waiting = waits(provider)
    body = waiting.body()
    padded = body[:-1] + b" " * (LIMIT + 1 - len(body)) + b"}"
    assert post(waiting.proven_path, padded).status_code == 413
    delivery = waiting.system.rows(WebhookDelivery).get(body=padded[:LIMIT])
    assert (delivery.state, delivery.body_bytes) == ("refused", LIMIT + 1)
    waiting.assert_nothing_happened()


def test_64_kib_to_the_byte_are_taken(waits: Callable[[str], Waiting]) -> None:
    waiting = waits("tigo_pesa")
    body = waiting.body()
    padded = body[:-1] + b" " * (LIMIT - len(body)) + b"}"
    kept(waiting.system, waiting.proven_path, padded)
    waiting.person.sees(waiting.payment, "completed", 10)


def test_a_wrong_secret_path_is_not_found(waits: Callable[[str], Waiting]) -> None:
    waiting = waits("tigo_pesa")
    url = f"{waiting.system.url}/api/webhooks/in/not-the-secret"
    assert post(url, waiting.body()).status_code == 404
    assert not waiting.system.rows(WebhookDelivery).filter(body=waiting.body()).exists()
    waiting.assert_nothing_happened()


def test_another_attempts_token_proves_nothing(waits: Callable[[str], Waiting]) -> None:
    """Whoever knows the token of their own payment cannot complete somebody else's with it."""
    mine, theirs = waits("vodacom_mpesa"), waits("vodacom_mpesa")
    delivery = kept(mine.system, mine.proven_path, theirs.body())
    processed(mine.system, delivery)
    theirs.assert_nothing_happened()
    mine.assert_nothing_happened()


def test_secrets_of_the_sender_are_not_kept(waits: Callable[[str], Waiting]) -> None:
    waiting = waits("tigo_pesa")
    delivery = kept(waiting.system, waiting.open_path, b"{}", Authorization="Bearer canary-4711")
    assert "canary-4711" not in json.dumps(delivery.headers)


def test_staff_see_what_was_kept(waits: Callable[[str], Waiting]) -> None:
    waiting = waits("airtel_money")
    forged = waiting.body(key="not-the-key")
    delivery = processed(waiting.system, kept(waiting.system, waiting.open_path, forged))
    staff = Staff(waiting.system)
    assert f"/admin/payments/webhookdelivery/{delivery.pk}/" in staff.page(
        "/admin/payments/webhookdelivery/"
    )
    page = staff.page(f"/admin/payments/webhookdelivery/{delivery.pk}/change/")
    assert "its signature is wrong" in page
    assert waiting.attempt.reference in page
