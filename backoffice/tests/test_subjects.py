"""A case's subject becomes a link to the row it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.utils import timezone

from backoffice import subjects
from bundles.models import Bundle, Subscription
from cases.services import open_case
from cases.subjects import Subject, subject_of
from payments.models import (
    Bill,
    MobileMoneyTransaction,
    Payment,
    StatementFile,
    StatementLine,
    WebhookDelivery,
)
from payments.services.refund import refund_payment
from payments.tests.factories import a_customer
from payments.tests.outgoing import SENT, FakeProvider, hear
from payments.tests.outgoing import provider as provider
from vpn.models import Gateway, Peer

pytestmark = pytest.mark.django_db(transaction=True)


def a_line() -> StatementLine:
    file = StatementFile.objects.create(provider="tigo_pesa", account="1", name="a", sha256="a")
    return StatementLine.objects.create(
        provider="tigo_pesa",
        account="1",
        receipt="ABC1",
        kind=StatementLine.Kind.COLLECTION,
        is_incoming=True,
        amount=500,
        completed_at=timezone.now(),
        row_hash="a",
        file=file,
        row=1,
    )


def test_every_row_that_cases_name_is_linked(staff: Client, paid: Payment) -> None:
    names = [
        f"payment:{paid.public_id}",
        str(paid.subject),
        *(f"gateway:{gateway.pk}" for gateway in Gateway.objects.all()),
        *(f"peer:{peer.pk}" for peer in Peer.objects.all()),
        *(f"subscription:{subscription.pk}" for subscription in Subscription.objects.all()),
        *(f"bundle:{bundle.pk}" for bundle in Bundle.objects.all()[:1]),
    ]
    assert len(names) == 6
    for name in names:
        found = subject_of(name)
        assert found.link, name
        assert staff.get(found.link).status_code == 200
        case = open_case(kind="paid_twice", subject=name)
        page = staff.get(f"/admin/cases/case/{case.pk}/change/").content.decode()
        assert f'href="{found.link}"' in page


def test_a_payment_is_told_in_a_sentence(paid: Payment) -> None:
    told = subject_of(f"payment:{paid.public_id}").description
    assert told == f"Payment of {paid.amount:,} TZS of {paid.payer}, completed"


def test_a_transfer_is_told_in_a_sentence(
    provider: FakeProvider, staff: Client, unpaid: MobileMoneyTransaction
) -> None:
    paid = hear(unpaid.payment, replace(SENT, amount=1000))
    transfer = refund_payment(
        payment_id=paid.pk, request_key="r", why="x", amount=400, by=a_customer()
    )
    found = subject_of(f"transfer:{transfer.reference}")
    assert f"{transfer.reference} of 400 TZS to {paid.payer}" in found.description
    assert staff.get(found.link).status_code == 200


def test_money_in_suspense_is_told_in_a_sentence(staff: Client, paid: Payment) -> None:
    delivery = WebhookDelivery.objects.all()[0]
    bill = Bill.objects.create(
        provider="tigo_pesa",
        dialect="tigo_pesa",
        receipt="MFS1",
        amount=700,
        state=Bill.State.SUSPENSE,
        delivery=delivery,
    )
    assert subject_of(bill.subject) == subject_of("bill:tigo_pesa:MFS1")
    found = subject_of(bill.subject)
    assert found.description == "Bill MFS1 of 700 TZS"
    assert found.link == f"/admin/payments/bill/{bill.pk}/change/"
    assert staff.get(found.link).status_code == 200


def test_a_callback_that_fits_nothing_is_searched_for(staff: Client) -> None:
    link = subject_of("delivery:tigo_pesa:KNK 1").link
    assert link == "/admin/payments/webhookdelivery/?q=KNK+1"
    assert staff.get(link).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["payment:none", "transfer:none", "bill:tigo_pesa:none", "gateway:0", "peer:x", "line:x"],
)
def test_a_row_that_there_is_not_is_its_bare_name(db: None, name: str) -> None:
    assert subject_of(name) == Subject(name)
    assert subject_of("account:credit:1") == Subject("account:credit:1")


def test_a_statement_line_leads_to_the_page_that_decides_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reverse(name: str, args: list[int]) -> str:
        return f"/{name}/{args[0]}/"

    line = a_line()
    name = f"line:{line.pk}"
    assert "Statement line ABC1 of 500 TZS" in subject_of(name).description
    monkeypatch.setattr(subjects, "reverse", reverse)
    assert subject_of(name).link == f"/admin:payments_statementline_decide/{line.pk}/"
