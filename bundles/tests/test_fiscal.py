"""Each sale has its fiscal record; a real channel needs no change of sales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from bundles import fiscal
from bundles.fiscal.channel import Capabilities, Channel, Document, Reply, Result, Sale
from bundles.fiscal.null import NullChannel
from bundles.models import Activation, FiscalCorrection, FiscalRecord
from bundles.services.record_fiscally import record_sales, send_documents
from bundles.tasks import record_fiscally
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear, pay
from bundles.tests.test_withdraw_and_earn import refund
from cases.models import Case
from payments.models import Payment
from payments.providers.base import Outcome
from payments.tests.factories import a_customer
from payments.tests.outgoing import SENT, FakeProvider, sent
from payments.tests.outgoing import provider as provider

pytestmark = pytest.mark.django_db(transaction=True)


class FakeChannel:
    """A tax office that numbers receipts strictly and answers as told."""

    name = "fake"
    capabilities = Capabilities(
        owns_numbers=True, number_known_before_submit=True, needs_strict_order=True
    )

    def __init__(self) -> None:
        self.prepared: list[Sale] = []
        self.sent: list[bytes] = []
        self.results: list[Result] = [Result.ACCEPTED]

    def prepare(self, sale: Sale) -> Document | None:
        self.prepared.append(sale)
        number = str(len(self.prepared))
        return Document(body=f"<{number} {sale.total}>".encode(), number=number)

    def submit(self, document: Document) -> Reply:
        self.sent.append(document.body)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        return Reply(result, raw=f"answer {result}", verification_code="V1")

    def status(self, document: Document) -> Reply | None:
        return None

    def close_day(self, device: str, day: date) -> Document | None:
        return None

    def register(self, device: str) -> None:
        return None

    def check_health(self, device: str) -> Sequence[str]:
        return ()


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> FakeChannel:
    fake = FakeChannel()
    monkeypatch.setattr(fiscal, "_channel", fake)
    return fake


def states() -> list[str]:
    return list(FiscalRecord.objects.order_by("pk").values_list("state", flat=True))


def later() -> None:
    """Send what is due an hour on."""
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        send_documents()


def test_a_sale_that_nobody_wants_a_receipt_of_is_recorded_all_the_same() -> None:
    payment = pay(a_customer(), a_bundle())
    assert not FiscalRecord.objects.exists()
    assert record_sales() == 1
    record = FiscalRecord.objects.get()
    assert (record.payment, record.amount, record.channel) == (payment, 1000, "null")
    assert (record.state, record.next_try_at) == ("acknowledged", None)
    assert record.shown_state == "Not asked for"
    assert (record_sales(), record_fiscally()) == (0, 0)


def test_what_was_not_sold_has_no_record() -> None:
    hear(buy(a_customer(), a_bundle()), amount=400)
    assert record_sales() == 0


def test_a_real_channel_numbers_sends_and_needs_no_change_of_sales(office: FakeChannel) -> None:
    payment = pay(a_customer(), a_bundle())
    assert record_fiscally() == 1
    (sale,) = office.prepared
    assert (sale.reference, sale.total) == (payment.subject, 1000)
    assert sum(line.amount for line in sale.lines) == sale.total
    assert sale.issued_at == Activation.objects.get().created_at
    record = FiscalRecord.objects.get()
    assert (bytes(record.document), record.number) == (b"<1 1000>", "1")
    assert (record.state, record.verification_code) == ("acknowledged", "V1")
    assert record_fiscally() == 0


def test_a_channel_that_fails_keeps_no_customer_waiting(
    office: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(sale: Sale) -> Document:
        raise RuntimeError("no certificate")

    monkeypatch.setattr(office, "prepare", broken)
    payment = pay(a_customer(), a_bundle())
    assert (payment.disposition, payment.follow_up_at) == ("fulfilled", None)
    assert record_sales() == 0
    monkeypatch.undo()
    assert record_sales() == 1


def test_many_that_cannot_be_prepared_keep_none_of_the_others_back(
    office: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle()
    payments = [pay(a_customer(), bundle) for _ in range(3)]

    def broken_but_for_the_last(sale: Sale) -> Document | None:
        if sale.reference == payments[-1].subject:
            return FakeChannel().prepare(sale)
        raise RuntimeError("no such tax class")

    monkeypatch.setattr(office, "prepare", broken_but_for_the_last)
    monkeypatch.setattr("bundles.services.record_fiscally.BATCH", 2)
    assert record_sales() == 1
    assert FiscalRecord.objects.get().payment == payments[-1]


def test_what_is_unknown_is_sent_again_with_the_same_bytes_and_nothing_overtakes_it(
    office: FakeChannel,
) -> None:
    office.results = [Result.UNKNOWN, Result.DUPLICATE, Result.ACCEPTED]
    for _ in range(2):
        pay(a_customer(), a_bundle())
    record_fiscally()
    assert states() == ["waiting_retry", "prepared"]
    assert send_documents() == 0
    later()
    assert states() == ["acknowledged", "acknowledged"]
    assert office.sent == [b"<1 1000>", b"<1 1000>", b"<2 1000>"]


def test_what_is_refused_blocks_and_is_given_to_staff(office: FakeChannel) -> None:
    office.results = [Result.REJECTED_CONFIG, Result.ACCEPTED]
    for _ in range(2):
        pay(a_customer(), a_bundle())
    record_fiscally()
    later()
    assert states() == ["blocked", "prepared"]
    assert office.sent == [b"<1 1000>"]
    case = Case.objects.get(kind="fiscal_blocked")
    assert case.subject == f"fiscal:{FiscalRecord.objects.earliest('pk').reference}"


def test_a_sender_that_died_is_followed_by_another(office: FakeChannel) -> None:
    pay(a_customer(), a_bundle())
    record_sales()
    FiscalRecord.objects.update(state="sending", next_try_at=timezone.now() + timedelta(minutes=1))
    assert send_documents() == 0
    later()
    assert states() == ["acknowledged"]


def test_a_new_channel_sends_nothing_of_the_one_before(office: FakeChannel) -> None:
    pay(a_customer(), a_bundle())
    record_sales()
    FiscalRecord.objects.update(channel="another")
    assert send_documents() == 0


@pytest.mark.parametrize("amount", [None, 400])
def test_a_refund_is_kept_beside_the_sale(provider: FakeProvider, amount: int | None) -> None:
    payment = pay(a_customer(), a_bundle())
    record_sales()
    transfer = refund(payment, amount)
    assert not FiscalCorrection.objects.exists()
    sent(transfer)
    correction = FiscalCorrection.objects.get()
    assert (correction.payment, correction.amount) == (payment, amount or 1000)
    assert correction.reference == f"refund:{transfer.reference}"
    assert FiscalRecord.objects.get().amount == 1000


def test_what_was_over_paid_and_goes_back_is_no_correction(provider: FakeProvider) -> None:
    provider.answers = [replace(SENT, receipt="SENT1"), replace(SENT, receipt="SENT2")]
    payment = hear(buy(a_customer(), a_bundle()), amount=1500)
    sent(refund(payment, 500))
    assert not FiscalCorrection.objects.exists()
    sent(refund(payment, 300))
    assert FiscalCorrection.objects.get().amount == 300


def test_a_reversal_by_the_provider_corrects_what_is_left(provider: FakeProvider) -> None:
    payment = pay(a_customer(), a_bundle())
    sent(refund(payment, 400))
    hear(payment, outcome=Outcome.REVERSED)
    amounts = list(FiscalCorrection.objects.values_list("reference", "amount"))
    assert amounts[1:] == [(f"reversed:{payment.public_id}", 600)]
    assert Payment.objects.get(pk=payment.pk).reversed_at is not None


def test_both_channels_are_channels() -> None:
    channels: list[Channel] = [NullChannel(), FakeChannel()]
    for each in channels:
        assert each.check_health("") == ()
        assert each.close_day("", date(2026, 3, 2)) is None
    document = Document(body=b"")
    assert NullChannel().submit(document).result == Result.ACCEPTED
    assert NullChannel().status(document) is None
