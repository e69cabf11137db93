"""Members of staff in their browsers, beside rows that the test makes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from accounts.models import User
from tests.browser.looks import PATIENCE_MILLISECONDS, SIZES

SignIn = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def browser(django_db_setup: None, browser: Browser) -> Iterator[Browser]:
    """The database is made before Playwright keeps Django from it, and emptied in spite of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield browser


@pytest.fixture
def sign_in(live_server: Any, browser: Browser) -> Iterator[SignIn]:
    """Makes somebody of a role and opens a browser of theirs; none may see an error in its console."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def tell(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def answered(response: Response) -> None:
        if response.status >= 500:
            errors.append(f"{response.status} {response.url}")

    def opened(name: str, role: str) -> Page:
        width, height = SIZES["desk"]
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": height}
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.on("console", tell)
        context.on("response", answered)
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": session_of(a_member(name, role)),
                    "url": live_server.url,
                }
            ]
        )
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def a_member(name: str, role: str) -> User:
    """Staff of a role alone."""
    person = User.objects.create_user(
        f"{name.lower()}@example.test", "x", full_name=name, is_staff=True
    )
    person.groups.add(Group.objects.get(name=role))
    return person


def session_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs: the test reads and matches where a worker would."""
    from payments import tasks

    for task in (tasks.read_statement, tasks.match_statement_lines, tasks.push):
        monkeypatch.setattr(task, "apply_async", lambda *_, **__: None)
