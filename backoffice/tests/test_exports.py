"""Payments as a file, and the log of what staff did."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from backoffice.tests.test_search import signed_in
from backoffice.tests.test_transfers import page
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy
from common.clock import business_day, start_of_business_day
from payments.models import Payment
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)

EXPORT = "/admin/payments/payment/export/"


def rows(client: Client, **filters: str) -> list[dict[str, str]]:
    answer: Any = client.get(EXPORT, filters)
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_list_is_taken_as_it_is_filtered_and_logged(paid: Payment) -> None:
    buy(a_customer(), a_bundle())
    client = signed_in(role="finance")
    assert 'export/?state__exact=completed"' in page(
        client, "/admin/payments/payment/?state__exact=completed"
    )
    (row,) = rows(client, state__exact="completed")
    assert row["Payment id"] == paid.public_id
    assert (row["TZS"], row["Receipt"], row["Became"]) == ("1000", "MFS777", "Fulfilled")
    assert len(rows(client)) == 2
    first = LogEntry.objects.earliest("id")
    assert first.change_message == "Exported 1 rows; filters: state__exact=completed"


def test_a_file_masks_phones_by_role_and_holds_no_formula(paid: Payment) -> None:
    User.objects.filter(pk=paid.payer_id).update(full_name="=HYPERLINK(1)")
    phone = paid.attempts.get().customer_phone
    (masked,) = rows(signed_in(role="finance"))
    (whole,) = rows(signed_in(role="administrator"))
    assert masked["Customer"] == "'=HYPERLINK(1)"
    assert masked["Phone"] == f"'{phone[:-6]}***{phone[-3:]}"
    assert whole["Phone"] == f"'{phone}"


def test_only_who_may_export_does(paid: Payment) -> None:
    for role in ("support", "auditor"):
        client = signed_in(role=role)
        assert client.get(EXPORT).status_code == 403
        assert "export/?" not in page(client, "/admin/payments/payment/")
    assert signed_in("export_rows").get(EXPORT).status_code == 403
    assert not LogEntry.objects.exists()


def test_a_thousand_rows_more_cost_a_query_or_two(
    paid: Payment, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    client = signed_in(role="administrator")
    rows(client)
    with django_assert_num_queries(10) as few:
        rows(client)
    for _ in range(4):
        buy(a_customer(), a_bundle())
    with django_assert_num_queries(len(few)):
        assert len(rows(client)) == 5


# The log


def test_the_log_is_read_by_those_who_may_and_changed_by_nobody(paid: Payment) -> None:
    rows(signed_in(role="finance"), q="0754123456")
    auditor = signed_in(role="auditor")
    shown = page(auditor, "/admin/admin/logentry/")
    assert "Exported 0 rows; filters: q=0754***456" in shown
    entry = LogEntry.objects.get()
    path = f"/admin/admin/logentry/{entry.pk}"
    assert "Exported 0 rows" in page(auditor, f"{path}/change/")
    assert auditor.post(f"{path}/change/", {"change_message": "x"}).status_code == 403
    assert auditor.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    page(signed_in(role="support"), "/admin/admin/logentry/", status=403)


def test_the_log_is_filtered_by_who_when_and_what(paid: Payment) -> None:
    support = signed_in(role="support")
    support.post(f"/admin/accounts/user/{paid.payer_id}/show-phone/")
    rows(signed_in(role="finance"))
    auditor = signed_in(role="auditor")

    now, day = timezone.now(), timedelta(days=1)

    def listed(**filters: str) -> list[str]:
        answer: Any = auditor.get("/admin/admin/logentry/", filters)
        return [entry.change_message[:6] for entry in answer.context["cl"].result_list]

    today, tomorrow = (f"{business_day(at):%Y-%m-%d}" for at in (now, now + day))
    assert listed() == ["Export", "Showed"]
    assert listed(kind="phone") == ["Showed"]
    assert listed(kind="export") == ["Export"]
    assert listed(user__id__exact=str(LogEntry.objects.get(object_id=paid.payer_id).user_id)) == [
        "Showed"
    ]
    assert listed(action_time_from=today, action_time_to=today) == ["Export", "Showed"]
    assert listed(action_time_from=tomorrow) == []
    evening = start_of_business_day(now) - timedelta(minutes=1)
    LogEntry.objects.filter(change_message__startswith="Showed").update(action_time=evening)
    assert listed(action_time_from=today, action_time_to="not a day") == ["Export"]
