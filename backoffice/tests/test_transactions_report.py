"""A period's transactions for the regulator and the tax office."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from backoffice import transactions_report
from backoffice.tests.stories import a_few_books, fill_float, paid, refund, send_money, sent
from backoffice.transactions_report import HEAD, transactions
from bundles.models import Terms
from bundles.services.buy import buy_bundle
from bundles.services.record_fiscally import record_sales
from bundles.tests.factories import a_bundle
from common.clock import business_day
from payments.models import Payment
from payments.providers.base import Outcome
from payments.services.follow_up import follow_up
from payments.services.refund_to_credit import refund_to_credit
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/payments/dayclose/transactions/"


@pytest.fixture(autouse=True)
def ready(transactional_db: None, providers: None, settings: Any) -> None:
    send_money(settings)
    first_gateway()


def today() -> date:
    return business_day(timezone.now())


def report(first: date | None = None, last: date | None = None) -> list[dict[str, Any]]:
    head, *rows = transactions(first or today(), last or today())
    assert head == HEAD
    return [dict(zip(HEAD, row, strict=True)) for row in rows]


def test_a_sale_is_told_with_its_shares_and_no_name() -> None:
    terms = Terms.current()
    terms.tax_percent = 18
    terms.save()
    payment = paid(a_bundle(price=1180))
    record_sales()
    (row,) = report()
    attempt = payment.attempts.get()
    assert (row["kind"], row["our_reference"]) == ("payment", attempt.reference)
    assert (row["provider"], row["receipt"]) == ("tigo_pesa", attempt.provider_transaction_id)
    assert (row["gross_tzs"], row["tax_tzs"], row["commission_tzs"]) == (1180, 180, 100)
    assert row["owner_share_tzs"] == 900
    assert row["fiscal_state"] == "Not asked for"
    told = " ".join(str(value) for value in row.values())
    assert attempt.customer_phone not in told
    assert payment.payer.full_name not in told
    assert row["phone_masked"].startswith("+255")


def test_a_sale_from_credit_that_is_undone_takes_its_shares_back() -> None:
    rich = paid(a_bundle(price=500), amount=1500).payer
    payment, _ = buy_bundle(
        customer=rich,
        bundle_id=a_bundle().pk,
        phone=rich.phone or "",
        provider="auto",
        use_credit=True,
    )
    follow_up(payment_id=payment.pk)
    refund_to_credit(payment_id=payment.pk, why="did not work", by=payment.payer)
    sold, undone = (row for row in report() if payment.public_id in row.values())
    assert (undone["kind"], undone["refund_of"]) == ("credit_again", payment.public_id)
    assert (sold["from_credit_tzs"], undone["from_credit_tzs"], undone["gross_tzs"]) == (
        1000,
        -1000,
        0,
    )
    for share in ("commission_tzs", "owner_share_tzs", "tax_tzs"):
        assert undone[share] == -sold[share]


def test_a_refund_is_a_row_of_its_own_that_names_the_sale() -> None:
    fill_float()
    payment = paid(a_bundle())
    transfer = sent(refund(payment, 400), Outcome.SUCCEEDED)
    sale, back = report()
    assert (back["kind"], back["gross_tzs"]) == ("refund", -400)
    assert back["our_reference"] == transfer.reference
    assert back["refund_of"] == sale["our_reference"]
    assert back["commission_tzs"] + back["owner_share_tzs"] + back["tax_tzs"] == -400


def test_the_period_is_of_business_days() -> None:
    paid(a_bundle())
    tomorrow = today() + timedelta(days=1)
    assert report(tomorrow, tomorrow) == []
    assert report(today() - timedelta(days=3), tomorrow)


def test_what_went_well_and_what_did_not_come_adds_up() -> None:
    books = a_few_books()
    rows = report()
    completed = Payment.objects.filter(state="completed").values_list("paid_amount", flat=True)
    received = sum(amount or 0 for amount in completed)
    assert sum(row["gross_tzs"] for row in rows if row["kind"] == "payment") == received
    assert [row["gross_tzs"] for row in rows if row["kind"] == "refund"] == [-700]
    assert books.waiting.attempts.get().reference not in {row["our_reference"] for row in rows}


def test_no_more_than_a_batch_is_ever_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions_report, "BATCH", 2)
    bundle = a_bundle()
    for _ in range(5):
        paid(bundle)
    rows = transactions(today(), today())
    assert isinstance(rows, Iterator)
    next(rows)
    with CaptureQueriesContext(connection) as asked:
        next(rows)
        next(rows)
    assert len(asked) == 4
    assert all("LIMIT 2" in query["sql"] for query in asked.captured_queries[:1])
    assert len(list(rows)) == 3


def staff(*permissions: str) -> Client:
    person = User.objects.create_user("f@example.test", "x", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


def test_the_report_is_downloaded_from_its_page_and_recorded() -> None:
    paid(a_bundle())
    client = staff("view_dayclose", "export_transactions")
    assert PAGE in client.get("/admin/payments/dayclose/").content.decode()
    assert "Download CSV" in client.get(PAGE).content.decode()
    answer: Any = client.post(PAGE, {"first": today(), "last": today()})
    assert answer.streaming
    head, row = csv.reader(StringIO(answer.getvalue().decode("utf-8-sig")))
    assert tuple(head) == HEAD
    assert row[HEAD.index("gross_tzs")] == "1000"
    assert row[HEAD.index("phone_masked")].startswith("'+255")
    assert str(today()) in LogEntry.objects.get().change_message


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    client = staff("view_dayclose", "export_transactions")
    answer = client.post(PAGE, {"first": "2026-02-01", "last": "2026-01-01"})
    assert "before the first" in answer.content.decode()
    with pytest.raises(CommandError):
        call_command("transactions_report", "--from", "2026-02-01", "--to", "2026-01-01")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_period_that_no_clock_knows_is_refused(day: str) -> None:
    client = staff("export_transactions")
    for first, last in ((day, today()), (today(), day)):
        answer = client.post(PAGE, {"first": first, "last": last})
        assert "Ensure this value is" in answer.content.decode()


def test_who_may_not_export_cannot() -> None:
    client = staff("view_dayclose")
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/payments/dayclose/").content.decode()


def test_the_command_prints_it() -> None:
    paid(a_bundle())
    out = StringIO()
    day = today().isoformat()
    call_command("transactions_report", "--from", day, "--to", day, stdout=out)
    assert len(list(csv.reader(StringIO(out.getvalue())))) == 2
