"""The light web page in Chromium, at 360 px: a customer without the app, and an owner."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db.models import Model
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bundles.models import Bundle, Owner, Subscription
from storefront.models import RefundRequest
from tests.browser.looks import PATIENCE_MILLISECONDS
from tests.browser.test_pages import on_screen, sign_in, type_pin
from tests.person import PASSWORD, Person
from tests.simulator import Simulator
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

FIRST_VIEW_BYTES = 60_000
RISES_WITHIN_SECONDS = 40  # the dry run's device connects after 15 s, and is reported each 10
CODE = re.compile(r"\b[0-9]{6}\b")
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder to keep what was looked at; "" for none


def opened(browser: Browser, *, with_scripts: bool, scheme: str, locale: str) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        java_script_enabled=with_scripts,
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    return context


@pytest.fixture(
    params=[("light", "en-GB"), ("dark", "sw-TZ")], ids=["light-english", "dark-swahili"]
)
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A small phone; its console must stay without errors."""
    scheme, locale = request.param
    context = opened(browser, with_scripts=True, scheme=scheme, locale=locale)
    errors: list[str] = []
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield context
    context.close()
    assert errors == []


@pytest.fixture
def bare_phone(browser: Browser) -> Iterator[BrowserContext]:
    """One whose browser runs no scripts."""
    context = opened(browser, with_scripts=False, scheme="light", locale="en-GB")
    yield context
    context.close()


def look_at(page: Page, name: str) -> None:
    """Nothing is wider than the phone, and axe has nothing to say."""
    if SCREENSHOTS:
        scheme = page.evaluate(
            "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
        )
        page.screenshot(path=Path(SCREENSHOTS) / f"web-{name}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def staff_page(system: System, browser: Browser) -> Iterator[Page]:
    """The back-office at a desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sign_in(page, system)
    yield page
    context.close()


def decide(page: Page, system: System, model: type[Model], verb: str, **which: str) -> None:
    """Staff decide about a row by a verb of its page, and say why."""
    row = system.rows(model).get(**which)
    meta = model._meta
    page.goto(f"{system.url}/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/")
    page.get_by_role("link", name=verb).click()
    page.fill("[name=why]", "We have looked at it")
    page.locator("form.confirm button[type=submit]").click()
    page.wait_for_url(re.compile("/change/"))


def used(page: Page, system: System) -> str:
    """What the page about one's internet says of today's use, "" for nothing."""
    page.goto(f"{system.url}/internet")
    bars = page.locator(".bars td:last-child")
    return bars.last.inner_text() if bars.count() else ""


def sign_up(page: Page, system: System, phone: str) -> None:
    page.goto(f"{system.url}/register")
    page.fill("[name=full_name]", "Neema Mteja")
    page.fill("[name=phone]", phone)
    page.fill("[name=email]", f"web{phone[4:]}@example.test")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{system.url}/")


def test_a_newcomer_buys_waits_for_the_pin_and_has_the_configuration(
    system: System, phone: BrowserContext, staff_page: Page, fresh_phone: Callable[[str], str]
) -> None:
    number = fresh_phone("vodacom_mpesa")
    page = phone.new_page()
    page.goto(f"{system.url}/register")
    look_at(page, "register")
    sign_up(page, system, number)
    look_at(page, "home")
    page.get_by_role("link", name="Daily Bundle").click()
    expect(page.locator("[data-provider=vodacom_mpesa]")).to_be_visible()  # by the number
    look_at(page, "bundle")
    page.fill("[name=phone]", "0714 123 456")
    expect(page.locator("[name=provider]")).to_have_value("tigo_pesa")
    page.fill("[name=phone]", "0754")
    page.click("main form button")
    expect(page.locator(".note.bad")).to_be_visible()
    look_at(page, "refused")
    page.fill("[name=phone]", number)
    page.click("main form button")
    page.wait_for_url(re.compile("/payment/"))
    expect(page.locator(".note.busy")).to_be_visible()
    look_at(page, "waiting")

    hand = phone.new_page()
    type_pin(hand, system, number, "1234")
    hand.close()
    expect(page.locator(".note.good")).to_be_visible()  # by itself
    look_at(page, "paid")
    page.click("#payment form button")
    page.wait_for_url(re.compile("/device/"))
    box = page.locator(".qr svg").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 360
    look_at(page, "device")
    with page.expect_download() as download:
        page.locator("a.button").click()
    assert "PrivateKey" in Path(str(download.value.path())).read_text()
    before = used(page, system)  # "", unless all of this took longer than it should
    for name in ("internet", "history", "account"):
        page.goto(f"{system.url}/{name}")
        look_at(page, name)
    page.goto(f"{system.url}/help")
    page.click("main form button")
    expect(page.locator("main .note")).to_be_visible()
    look_at(page, "help")
    wait_until(lambda: used(page, system) != before, RISES_WITHIN_SECONDS, every=1)
    look_at(page, "usage")

    page.goto(f"{system.url}/history")
    page.locator("main .card a").click()
    page.get_by_role("link", name=re.compile("money back|kurudishiwa")).click()
    page.fill("[name=why]", "Too slow at home")
    page.click("main form button")
    expect(page.locator(".note.busy")).to_be_visible()
    asked = page.url.rsplit("/", 1)[1]
    decide(staff_page, system, RefundRequest, "Grant", payment__public_id=asked)
    page.reload()
    expect(page.locator("#payment form button")).to_have_count(0)
    expect(page.locator(".note.good").last).to_be_visible()
    look_at(page, "refunded")
    received = Simulator(system.simulator_url)
    wait_until(lambda: received.went_out(msisdn=number.removeprefix("+")), 20)


def test_all_of_it_works_without_scripts(
    system: System, bare_phone: BrowserContext, fresh_phone: Callable[[str], str]
) -> None:
    number = fresh_phone("tigo_pesa")
    page = bare_phone.new_page()
    sign_up(page, system, number)
    page.get_by_role("link", name="Daily Bundle").click()
    page.click("main form button")
    expect(page.locator("form .note")).to_contain_text("is a number of Tigo Pesa")
    expect(page.locator("[data-provider=tigo_pesa]")).to_be_visible()
    page.click("main form button")
    page.wait_for_url(re.compile("/payment/"))
    payment = page.url
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    hand = bare_phone.new_page()
    type_pin(hand, system, number, "1234")
    hand.close()

    def is_paid() -> bool:
        page.goto(payment)
        return page.locator(".note.good").count() == 1

    wait_until(is_paid, 15)
    page.click("#payment form button")
    expect(page.locator(".qr svg")).to_be_visible()


def test_an_owner_applies_sells_and_is_paid_on_the_phone(
    system: System,
    phone: BrowserContext,
    browser: Browser,
    staff_page: Page,
    fresh_phone: Callable[[str], str],
    tmp_path: Path,
) -> None:
    number, simulator = fresh_phone("tigo_pesa"), Simulator(system.simulator_url)
    page = phone.new_page()
    sign_up(page, system, number)
    page.goto(f"{system.url}/owner")
    look_at(page, "apply")
    page.fill("[name=about]", "Fibre in Mwenge")
    page.fill("[name=connection_gb]", "1000")
    page.fill("[name=connection_seats]", "10")
    page.click("main form button")
    expect(page.locator(".note.busy")).to_be_visible()
    decide(staff_page, system, Owner, "Approve", person__phone=number)

    page.goto(f"{system.url}/owner/offer")
    look_at(page, "offer")
    name = f"Mwenge {number[-4:]}"
    for field, value in {
        "name": name,
        "price": "5000",
        "data_limit_gb": "10",
        "duration_days": "30",
        "max_clients": "1",
    }.items():
        page.fill(f"[name={field}]", value)
    picture = tmp_path / "mwenge.png"
    Image.new("RGB", (800, 600), "teal").save(picture)
    page.set_input_files("[name=picture]", picture)
    page.click("main form button")
    expect(page.locator(".cards")).to_contain_text(name)
    look_at(page, "owner")
    page.get_by_role("link", name=name).click()
    look_at(page, "change")

    buyer = fresh_phone("airtel_money")
    other = opened(browser, with_scripts=True, scheme="light", locale="en-GB")
    shop = other.new_page()
    sign_up(shop, system, buyer)
    shop.goto(f"{system.url}/?q={name}")
    expect(shop.locator(".cards img")).to_be_visible()
    shop.get_by_role("link", name=name).click()
    expect(shop.locator("[data-provider=airtel_money]")).to_be_visible()
    shop.click("main form button")
    hand = other.new_page()
    type_pin(hand, system, buyer, "1234")
    expect(shop.locator(".note.good")).to_be_visible()
    page.goto(f"{system.url}/?q={name}")
    expect(page.locator(".tag.failed")).to_be_visible()  # its one place is taken
    look_at(page, "sold-out")
    for path in ("sales", "customers"):
        page.goto(f"{system.url}/owner/{path}")
        expect(page.locator(".cards")).to_contain_text(buyer[-3:])
        assert buyer[-9:] not in page.content()
        look_at(page, path)

    system.rows(Subscription).filter(bundle__name=name).update(used_up_at=timezone.now())
    earn = "from bundles.services.earn import release_earnings; release_earnings()"
    system.manage("shell", "--no-imports", "--command", earn)
    page.goto(f"{system.url}/account")
    page.locator("form[action$=verify] button").click()
    code = wait_until(lambda: CODE.search(" ".join(simulator.texts(number))), 15)
    page.fill("[name=code]", code[0])
    page.click("main form button")
    page.goto(f"{system.url}/owner")
    page.locator("form[action$=payout] button").click()
    expect(page.locator(".note.good")).to_be_visible()
    look_at(page, "paid-out")
    (payout,) = wait_until(lambda: simulator.went_out(msisdn=number.removeprefix("+")), 20)
    hand.goto(system.simulator_url)
    received = hand.locator(".event").filter(has_text=on_screen(number))
    expect(received).to_contain_text(f"{payout['amount']:,}")
    if SCREENSHOTS:
        hand.screenshot(path=Path(SCREENSHOTS) / "web-handset-paid.png", full_page=True)
    other.close()
    page.goto(f"{system.url}/owner/statement")
    expect(page.locator(".cards .facts").nth(1)).to_be_visible()  # the sale and the payout
    look_at(page, "statement")
    system.rows(Bundle).filter(name=name).update(is_active=False)


def test_the_first_view_is_light(system: System, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    sizes: list[int] = []
    page.on("requestfinished", lambda asked: sizes.append(asked.sizes()["responseBodySize"]))
    page.goto(f"{system.url}/")
    page.wait_for_load_state("networkidle")
    context.close()
    assert 0 < sum(sizes) < FIRST_VIEW_BYTES


def test_somebody_with_the_app_signs_in_by_phone(
    system: System, phone: BrowserContext, newcomer: Callable[..., Person]
) -> None:
    person = newcomer()
    page = phone.new_page()
    page.goto(f"{system.url}/login")
    look_at(page, "login")
    page.fill("[name=email]", f"0{person.phone[4:]}")
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{system.url}/internet")
