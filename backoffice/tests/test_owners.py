"""Owners for staff: their business on one page, their statement, and the terms that they sell by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from bundles.models import Activation, Owner, Terms
from bundles.services.earn import release_earnings
from bundles.services.pay_owners import ask_payout
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.models import TransferRules
from payments.services.decide_transfer import approve_transfer
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import FakeProvider, sent
from payments.tests.outgoing import provider as provider
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(provider: FakeProvider) -> Owner:
    """Who has sold 5,000 TZS of one bundle, and delivered it: 4,500 are payable."""
    first_gateway()
    person = an_owner()
    row = Owner.objects.create(
        person=person, state="approved", about="Fibre", connection_gb=100, connection_seats=9
    )
    pay(a_customer(), a_bundle(person, name="Mwenge Monthly", price=5_000, data_limit_gb=10))
    Activation.objects.update(created_at=timezone.now() - timedelta(days=4))
    release_earnings()
    return row


def page(client: Client, owner: Owner) -> str:
    answer = client.get(f"/admin/bundles/owner/{owner.pk}/change/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def signed_in(role: str) -> Client:
    person = User.objects.create_user("who@example.test", "x", full_name="Who", is_staff=True)
    Group.objects.get(name=role).user_set.add(person)
    client = Client()
    client.force_login(person)
    return client


def test_the_page_tells_the_whole_business(staff: Client, owner: Owner) -> None:
    """A payout above the limit waits for a second person, and the page says who was the second."""
    TransferRules.objects.create(four_eyes_above=1_000)
    payout = ask_payout(person=owner.person, amount=2_000)
    told = page(staff, owner)
    assert "<dt>Payable</dt><dd>TZS 2,500</dd>" in told
    assert "<dt>On its way</dt><dd>TZS 2,000</dd>" in told
    assert "10 %</a>" in told
    assert "on sale: TZS 5,000, 10 GB, 1 day" in told
    assert "1 of 50 places taken, 1 sale; 10 GB sold, 0 B used" in told
    assert "of TZS 2,000, waits for a second person" in told
    assert f"asked for by {owner.person}<" in told
    second = a_customer()
    approve_transfer(transfer_id=payout.pk, by=second, why="Seen.")
    sent(payout)
    told = page(staff, owner)
    assert "<dt>Paid out</dt><dd>TZS 2,000</dd>" in told
    assert "of TZS 2,000, succeeded<br>" in told
    assert f"decided by {second}" in told
    for listed in (
        "payments/transfer/?payee__id__exact={}&kind__exact=payout",
        "bundles/bundle/?owner__id__exact={}",
    ):
        assert staff.get(f"/admin/{listed.format(owner.person_id)}").status_code == 200


def test_the_page_asks_as_often_however_much_is_sold(staff: Client, owner: Owner) -> None:
    taken = []
    page(staff, owner)  # content types are read once
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page(staff, owner)
        taken.append(len(queries))
        for _ in range(3):
            pay(a_customer(), a_bundle(owner.person))
    assert taken[0] == taken[1]


def test_staff_download_what_the_owner_can_and_it_is_logged(owner: Owner) -> None:
    manager = signed_in("manager")
    today = timezone.now().date()
    days = {"first": f"{today - timedelta(days=3)}", "last": f"{today + timedelta(days=1)}"}
    where = f"/admin/bundles/owner/{owner.pk}/statement/"
    text = manager.get(where, {**days, "form": "csv"}).content.decode()
    assert "Sold" in text
    assert "4500" in text
    assert manager.get(where, {**days, "form": "pdf"}).content.startswith(b"%PDF-")
    assert LogEntry.objects.filter(change_message__startswith="Exported 2 rows").count() == 2
    assert manager.get(where, {"first": "x"}).status_code == 302
    assert manager.get("/admin/bundles/owner/999999/statement/", days).status_code == 404


def test_support_reads_the_page_and_takes_nothing_away(owner: Owner) -> None:
    support = signed_in("support")
    assert "statement/" not in page(support, owner)
    assert support.get(f"/admin/bundles/owner/{owner.pk}/statement/").status_code == 403


# --- terms ---

TERMS = "/admin/bundles/terms/1/"
SET = {
    "price_min": 1_000,
    "price_max": 50_000,
    "commission_percent": 10,
    "tax_percent": 0,
    "refund_window_days": 3,
}


def test_the_history_of_terms_tells_what_they_were() -> None:
    Terms.current()
    manager = signed_in("manager")
    changed = {**SET, "commission_percent": 12, "price_max": 60_000}
    assert manager.post(f"{TERMS}change/", changed).status_code == 302
    assert Terms.current().commission_percent == 12
    assert f'href="{TERMS}history/"' in manager.get(f"{TERMS}change/").content.decode()
    told = manager.get(f"{TERMS}history/").content.decode()
    assert "Price max: 50000 → 60000; Commission percent: 10 → 12." in told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price_min": 50_001}, "Prices are above 0, the least one first."),
        ({"price_min": 0}, "Prices are above 0, the least one first."),
        ({"commission_percent": 101}, "less than or equal to 100"),
        ({"commission_percent": -1}, "greater than or equal to 0"),
        ({"tax_percent": ""}, "This field is required."),
    ],
)
def test_terms_that_cannot_be_are_refused(changes: dict[str, Any], sentence: str) -> None:
    before = Terms.current()
    answer = signed_in("manager").post(f"{TERMS}change/", {**SET, **changes})
    assert sentence in answer.content.decode()
    assert Terms.current().commission_percent == before.commission_percent


def test_only_those_who_set_terms_change_them(owner: Owner) -> None:
    assert signed_in("auditor").post(f"{TERMS}change/", SET).status_code == 403
