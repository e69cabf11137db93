"""What people see: the phone that asks for a PIN, the link of the SMS, and staff's page of it all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from notifications.models import Message
from payments.models import Payment
from tests.person import Person
from tests.staff import EMAIL
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

Json = dict[str, Any]


def on_screen(phone: str) -> str:
    """A number as the handset's page shows it."""
    digits = phone.removeprefix("+")
    return f"+{digits[:3]} {digits[3:6]} {digits[6:9]} {digits[9:]}"


def type_pin(page: Page, system: System, phone: str, pin: str) -> None:
    """Be the customer: wait for the prompt, type the PIN, press the button."""
    wait_until(lambda: _rings(page, system, phone), 15)
    handset = page.locator("article.phone").filter(has_text=on_screen(phone))
    handset.locator("input[name=pin]").fill(pin)
    handset.get_by_role("button", name="Pay").click()
    expect(handset.locator("input[name=pin]")).to_have_count(0)


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa", "airtel_money"])
def test_a_pin_on_the_phone_pays_and_the_link_shows_the_configuration_once(
    system: System, window: BrowserContext, newcomer: Callable[..., Person], provider: str
) -> None:
    person = newcomer(provider)
    payment = person.asks_to_pay()
    page = window.new_page()
    type_pin(page, system, person.phone, "1234")
    person.sees(payment, "completed", 15)
    ready = system.rows(Message).filter(to=person.phone, message_id="vpn_ready")
    page.goto(wait_until(ready.first, 15).context["link"])
    page.get_by_role("button").click()
    expect(page.locator("pre")).to_contain_text("PrivateKey")
    expect(page.locator(".qr svg")).to_be_visible()


def test_a_wrong_pin_on_the_phone_fails_the_payment(
    system: System, window: BrowserContext, newcomer: Callable[..., Person]
) -> None:
    person = newcomer()
    payment = person.asks_to_pay()
    page = window.new_page()
    type_pin(page, system, person.phone, "0000")
    assert person.sees(payment, "failed", 15)["reason"] == "wrong_pin"


def test_support_finds_a_payment_by_phone_and_reads_its_story(
    system: System, window: BrowserContext, newcomer: Callable[..., Person]
) -> None:
    person = newcomer("tigo_pesa")
    payment = person.asks_to_pay()
    page = window.new_page()
    type_pin(page, system, person.phone, "1234")
    person.sees(payment, "completed", 15)
    fulfilled = system.rows(Payment).filter(public_id=payment["payment_id"])
    wait_until(fulfilled.filter(disposition="fulfilled").exists, 15)

    sign_in(page, system)
    page.goto(f"{system.url}/admin/payments/payment/?q=0{person.phone[4:]}")
    page.get_by_role("link", name=re.compile("Neema")).first.click()
    story = page.locator(".story")
    for fact in ("Completed", "Daily Bundle", "Posted", "VPN peer", "SMS to"):
        expect(story).to_contain_text(fact)
    page.get_by_text("What was said").first.click()
    expect(story.locator("pre").first).to_be_visible()


def sign_in(page: Page, system: System) -> None:
    page.goto(f"{system.url}/admin/")
    page.fill("[name=username]", EMAIL)
    page.fill("[name=password]", system.environment["DEMO_PASSWORD"])
    page.click("button[type=submit]")
    page.wait_for_url(f"{system.url}/admin/")


def _rings(page: Page, system: System, phone: str) -> bool:
    page.goto(system.simulator_url)
    return on_screen(phone) in page.content()
