"""The dashboard as people see it: on a desk and on a phone, in light and dark, read or heard."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.models import User
from backoffice.rollups.run import rebuild
from backoffice.tests.test_rollups import History, a_line
from bundles.services.earn import earned_account, held_account
from cases.models import Case, CaseKind
from common.clock import business_day
from payments import ledger
from payments.models import Bucket, Payment, ProviderName
from tests.browser.looks import assert_accessible, assert_fits, glance_at
from tests.browser.staff import SignIn
from tests.browser.staff import browser as browser
from tests.browser.staff import sign_in as sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_week_of_sales() -> None:
    """Payments of each provider on each day, at different hours; every fourth comes to nothing."""
    now = timezone.now()
    history = None
    for number in range(56):
        at = now - timedelta(hours=3 * (56 - number), minutes=7 * (number % 5))
        with time_machine.travel(at, tick=False) as clock:
            history = history or History()
            history.begin(ProviderName.values[number % 3], number % 2)
            clock.shift(5 + number)
            history.change(-1, "complete" if number % 4 else "fail", 1000 + number)
            clock.shift(1)
            for what in ("fulfil", "connect", *(["refund"] * 2 if number % 10 == 1 else [])):
                history.change(-1, what, number)
            if number % 4:
                share_out(Payment.objects.get(pk=history.payments[-1]), history, number)
            a_line(Bucket.PAID_NO_ORDER if number % 7 == 0 else Bucket.MATCHED, 1000)
    for days, kind in ((0, CaseKind.UNDERPAID), (2, CaseKind.LATE_PAYMENT), (9, CaseKind.REVERSED)):
        opened_at = now - timedelta(days=days, minutes=1)
        Case.objects.create(kind=kind, subject=f"{days}", amount=700, opened_at=opened_at)
    ledger.post(source="credit", memo="x", lines=[("receipts", 300), ("credit:1", -300)])
    rebuild()


def share_out(payment: Payment, history: History, number: int) -> None:
    """What the ledger has of a sale; every second one is delivered at once."""
    owner = history.bundles[number % 2].owner_id
    price = [("receipts", 1000), (held_account(owner), -810), ("revenue", -90), ("tax", -100)]
    ledger.post(source=f"sale:{number}", memo="x", payment=payment, lines=price)
    if number % 8 > 3:
        earned = [(held_account(owner), 810), (earned_account(owner), -810)]
        ledger.post(source=f"delivered:{number}", memo="x", payment=payment, lines=earned)


@pytest.fixture
def page(live_server: Any, client: Client, window: BrowserContext) -> Page:
    """A manager's, signed in."""
    client.force_login(User.objects.create_superuser("m@example.test", "x", full_name="M"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    window.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    return window.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(page: Page, live_server: Any, scheme: Any) -> None:
    a_week_of_sales()
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}/admin/dashboard/")
    expect(page.locator("canvas.chart")).to_have_count(14)
    painted = "canvas => Chart.getChart(canvas)?.data.datasets.length > 0"
    assert all(canvas.evaluate(painted) for canvas in page.locator("canvas.chart").all())
    assert_fits(page)
    page.evaluate("document.querySelectorAll('.board details').forEach(each => each.open = true)")
    assert_accessible(page)


def test_a_choice_is_kept_in_the_page_and_in_its_files(page: Page, live_server: Any) -> None:
    a_week_of_sales()
    page.goto(f"{live_server.url}/admin/dashboard/")
    page.select_option("[name=provider]", "airtel_money")
    page.select_option("[name=period]", "month")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#preference tbody th")).to_have_text("Airtel Money")
    with page.expect_download() as download:
        page.locator("#preference").get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ['"Provider"', '"Airtel Money"']


def test_an_empty_system_has_an_honest_page(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/admin/dashboard/")
    expect(page.locator("#money")).to_contain_text("Nothing in this time.")
    expect(page.locator("canvas.chart")).to_have_count(0)


def test_a_manager_reads_the_week_and_takes_it_away(sign_in: SignIn) -> None:
    a_week_of_sales()
    page = sign_in("Mariamu", "manager")
    page.goto("/admin/")
    page.get_by_role("link", name="Dashboard").click()
    today = business_day(timezone.now())
    since = today - timedelta(days=6)
    page.select_option("[name=period]", "days")
    page.fill("[name=since]", since.isoformat())
    page.fill("[name=until]", today.isoformat())
    page.select_option("[name=provider]", "tigo_pesa")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".board")).to_contain_text(f"{since:%d.%m.%Y} to {today:%d.%m.%Y}")
    glance_at(page, "week")
    page.fill("[name=owner]", "customer")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_have_text("Owner: Several are named so. Which one?")
    glance_at(page, "owners")
    owner = page.locator(".board-owners a").first
    name = (owner.text_content() or "").partition(" (")[0]
    owner.click()
    expect(page.locator(".board")).to_contain_text(f"{name}'s bundles")
    expect(page.locator("#earnings canvas")).to_be_visible()
    glance_at(page, "owner")
    charts = page.locator(".board section").filter(has=page.get_by_role("link", name="CSV"))
    assert charts.count() > 5
    for chart in charts.all():
        assert csv_of(page, chart) == table_of(chart)


def csv_of(page: Page, chart: Locator) -> list[list[str]]:
    with page.expect_download() as download:
        chart.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    return list(csv.reader(text.splitlines()))


def table_of(chart: Locator) -> list[list[str]]:
    """What the page shows, without the commas in its numbers."""
    rows = chart.locator("tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return [[re.sub(r"(?<=\d),(?=\d{3})", "", cell) for cell in row] for row in rows]
