"""What every page of ours must be: readable by everybody, no wider than its window, in light and dark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OURS = (".story", ".find", ".confirm", ".board")  # what surrounds them is unfold's
GRAVE = ("serious", "critical")
HEARD = (("desk", "light"), ("phone", "dark"))  # each size and each scheme once: axe takes its time
DARK = "is_dark => document.documentElement.classList.toggle('dark', is_dark)"
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")  # a folder to keep what was looked at; "" for none


def assert_accessible(page: Page) -> None:
    """Of what is ours, axe finds nothing at all."""
    there = [[part] for part in OURS if page.locator(part).count()]
    found = Axe().run(page, context={"include": there})
    assert found.violations_count == 0, found.generate_report()


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def look_at(page: Page, name: str) -> None:
    """Look at a page on a desk and on a phone, in light and dark; it stays as it was opened.

    Unfold asks for the scheme once, when a page is loaded: what it does then is done here.
    """
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(DARK, scheme == "dark")
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if SCREENSHOTS:
                picture = Path(SCREENSHOTS) / f"{name}-{size}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
            assert_fits(page)
            if (size, scheme) in HEARD:
                assert_accessible(page)
    page.emulate_media(color_scheme="light")
    page.evaluate(DARK, False)
    width, height = SIZES["desk"]
    page.set_viewport_size({"width": width, "height": height})
