"""The work queue as staff use it: next by a key, resolve, many at once and back again."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, expect

from cases.models import Case, CaseKind
from tests.browser.looks import assert_accessible, assert_fits
from tests.browser.test_pages import sign_in
from tests.system import System

pytestmark = pytest.mark.browser


def test_the_queue_by_keyboard_and_many_at_once(system: System, window: BrowserContext) -> None:
    cases, subject = system.rows(Case), f"payment:{uuid4().hex}"
    first = cases.create(
        kind=CaseKind.UNDERPAID,
        subject=subject,
        amount=50_000,
        customer_waits=True,
        opened_at=timezone.now() - timedelta(days=30),
    )
    for kind in (CaseKind.PAID_TWICE, CaseKind.LATE_PAYMENT):
        cases.create(kind=kind, subject=subject, amount=700)
    page = window.new_page()
    sign_in(page, system)

    page.goto(f"{system.url}/admin/cases/case/")
    expect(page.locator(".queue-totals")).to_contain_text("Paid less than the price")
    assert_accessible(page)
    assert_fits(page)
    page.keyboard.press("n")
    page.wait_for_url(f"**/admin/cases/case/{first.pk}/change/")
    expect(page.locator(".story")).to_contain_text("You have this case until")
    assert_accessible(page)
    assert_fits(page)
    page.goto(f"{system.url}/admin/cases/case/{first.pk}/resolve/")
    page.get_by_label("Reason").fill("refunded")
    assert_accessible(page)
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".story")).to_contain_text("Resolved: refunded")

    page.goto(f"{system.url}/admin/cases/case/?q={subject}")
    for box in page.locator("input[name=_selected_action]").all():
        box.check()
    page.locator("select[name=action]").select_option("resolve_many")
    page.locator("#changelist-form button[name=index]").click()
    expect(page.locator(".confirm")).to_contain_text("2 cases with 1,400 TZS at stake")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_label("Reason").fill("the bank says so")
    page.get_by_role("button", name="Resolve").click()
    page.wait_for_url("**/admin/cases/bulk/*/change/")
    assert_fits(page)
    assert cases.filter(subject=subject, state="open").count() == 0
    page.goto(page.url.replace("/change/", "/undo/"))
    page.get_by_label("Reason").fill("it did not")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**/admin/cases/bulk/*/change/")
    assert cases.filter(subject=subject, state="open").count() == 2
