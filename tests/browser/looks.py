"""What every page of ours must be: readable by everybody, no wider than its window, in light and dark."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
PATIENCE_MILLISECONDS = 60_000  # with a page on a busy machine; where it comes, it costs nothing
OURS = (".story", ".find", ".confirm", ".board")  # what surrounds them is unfold's
# Each size and each scheme once: axe takes its time.
HEARD: tuple[tuple[str, Scheme], ...] = (("desk", "light"), ("phone", "dark"))
DARK = "is_dark => document.documentElement.classList.toggle('dark', is_dark)"
CUT_OFF = """[...document.querySelectorAll("#result_list td")]
  .filter(cell => cell.scrollHeight > cell.clientHeight + 2).map(cell => cell.textContent)"""
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder to keep what was looked at; "" for none


def assert_accessible(page: Page, *, but: Collection[str] = ()) -> None:
    """Of what is ours, axe finds nothing, but for what weighs as little as `but`."""
    there = [[part] for part in OURS if page.locator(part).count()]
    found = Axe().run(page, context={"include": there})
    weights = {each["impact"] for each in found.response["violations"]}
    assert weights <= set(but), found.generate_report()


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than the window, and no list cuts off what a cell says."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    assert page.evaluate(CUT_OFF) == [], page.url


def look_at(page: Page, name: str) -> None:
    """Look at a page on a desk and on a phone, in light and dark."""
    for scheme in SCHEMES:
        for size in SIZES:
            _look(page, name, size, scheme)
            if (size, scheme) in HEARD:
                assert_accessible(page)
    _show(page, "desk", "light")


def glance_at(page: Page, name: str) -> None:
    """Look at a page that is unfold's but for its rows: on a desk in light, on a phone in dark."""
    for size, scheme in HEARD:
        _look(page, name, size, scheme)
    if any(page.locator(part).count() for part in OURS if part != ".find"):
        assert_accessible(page, but=("minor", "moderate"))
    _show(page, "desk", "light")


def _look(page: Page, name: str, size: str, scheme: Scheme) -> None:
    _show(page, size, scheme)
    if SCREENSHOTS:
        picture = Path(SCREENSHOTS) / f"{name}-{size}-{scheme}.png"
        page.screenshot(path=picture, full_page=True)
    assert_fits(page)


def _show(page: Page, size: str, scheme: Scheme) -> None:
    """Unfold asks for the scheme once, when a page is loaded: what it does then is done here."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(DARK, scheme == "dark")
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
