"""Support with a customer on the phone: "I paid and have no internet", from the number to online."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from payments.models import Payment
from tests.browser.looks import assert_accessible, assert_fits
from tests.browser.test_pages import type_pin
from tests.person import Person
from tests.system import System
from tests.waiting import wait_until
from vpn.models import Gateway

pytestmark = pytest.mark.browser


@pytest.fixture
def no_gateway(system: System) -> Iterator[None]:
    """No gateway is in service, until the test has one come back."""
    system.rows(Gateway).update(state=Gateway.State.OFFLINE)
    yield
    system.rows(Gateway).update(state=Gateway.State.ACTIVE)


def sign_in(page: Page, system: System, role: str) -> None:
    page.goto(f"{system.url}/admin/")
    page.fill("[name=username]", f"{role}@konektika.test")
    page.fill("[name=password]", system.environment["DEMO_PASSWORD"])
    page.click("button[type=submit]")
    page.wait_for_url(f"{system.url}/admin/")


def test_who_paid_and_has_nothing_is_found_by_phone_and_activated(
    system: System, window: BrowserContext, newcomer: Callable[..., Person], no_gateway: None
) -> None:
    person = newcomer("tigo_pesa")
    page = window.new_page()
    payment = person.asks_to_pay()
    type_pin(page, system, person.phone, "1234")
    person.sees(payment, "completed", 15)

    sign_in(page, system, "support")
    page.get_by_role("searchbox").fill(f"0{person.phone[4:7]} {person.phone[7:]}")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".story-next")).to_have_text("Paid, and not activated: activate it again.")
    assert person.phone not in page.content()
    assert_accessible(page)
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".story-head")).to_contain_text(person.phone)

    page.get_by_role("link", name="The payment, and what can be done").click()
    expect(page.locator(".story-next")).to_contain_text("by the button")
    assert_accessible(page)
    page.goto(f"{page.url.partition('change/')[0]}activate-again/")
    assert_accessible(page)
    system.rows(Gateway).update(state=Gateway.State.ACTIVE)
    page.get_by_label("Reason").fill("The customer called.")
    page.get_by_role("button", name="Activate again").click()
    expect(page.locator("#main")).to_contain_text("It is activated.")
    served = system.rows(Payment).filter(public_id=payment["payment_id"], disposition="fulfilled")
    wait_until(served.exists, 15)
    expect(page.locator(".story")).to_contain_text("VPN peer for")
    assert_fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_was_found_is_readable(
    system: System, window: BrowserContext, newcomer: Callable[..., Person], scheme: str
) -> None:
    person = newcomer("tigo_pesa")
    system.rows(User).filter(pk=person.id).update(full_name="W" * 150)
    page = window.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(page, system, "administrator")
    for asked in ("Zawadi", "nobody-like-that", ""):
        page.goto(f"{system.url}/admin/search/?q={asked}")
        expect(page.locator(".story")).to_be_visible()
        assert_accessible(page)
    page.goto(f"{system.url}/admin/search/?q={person.email}")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    assert_fits(page)
