"""The dashboard as people see it: on a desk and on a phone, in light and dark, read or heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from backoffice.rollups.run import rebuild
from backoffice.tests.test_rollups import History, a_line
from cases.models import Case, CaseKind
from payments import ledger
from payments.models import Bucket, ProviderName

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
            a_line(Bucket.PAID_NO_ORDER if number % 7 == 0 else Bucket.MATCHED, 1000)
    for days, kind in ((0, CaseKind.UNDERPAID), (2, CaseKind.LATE_PAYMENT), (9, CaseKind.REVERSED)):
        opened_at = now - timedelta(days=days, minutes=1)
        Case.objects.create(kind=kind, subject=f"{days}", amount=700, opened_at=opened_at)
    ledger.post(source="credit", memo="x", lines=[("receipts", 300), ("credit:1", -300)])
    rebuild()


@pytest.fixture(scope="module")
def browser(django_db_setup: None, browser: Browser) -> Iterator[Browser]:
    """The database is made before Playwright keeps Django from it, and emptied in spite of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


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
    expect(page.locator("canvas.chart")).to_have_count(12)
    painted = "canvas => Chart.getChart(canvas)?.data.datasets.length > 0"
    assert all(canvas.evaluate(painted) for canvas in page.locator("canvas.chart").all())
    is_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wide)
    page.evaluate("document.querySelectorAll('.board details').forEach(each => each.open = true)")
    found = Axe().run(page, context=".board")
    assert found.response["violations"] == []


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
