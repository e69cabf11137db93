"""An auditor reads everything and changes nothing, whatever the browser or a script sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from playwright.sync_api import Page

from backoffice.rollups.run import rebuild
from cases.models import Bulk, Case, CaseRules
from common.clock import business_day
from payments.days.tills import till_of
from payments.models import (
    Bill,
    Certificate,
    DayClose,
    Reopening,
    StatementLine,
    TransferRules,
    WebhookDelivery,
)
from payments.services.close_day import close_day
from payments.services.match.run import match_statements
from payments.services.reopen_day import ask_to_reopen
from payments.states import TransferState
from payments.tests.matching import a_transfer
from payments.tests.statement_files import as_csv, imported
from tests.browser.looks import glance_at
from tests.browser.staff import SignIn, a_member
from tests.browser.staff import browser as browser
from tests.browser.staff import no_worker as no_worker
from tests.browser.staff import sign_in as sign_in
from tests.browser.troubled_day import MPESA, Day, trouble

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker"),
]

# What pages are called that a link may lead an auditor to; all others do something.
READS = re.compile(
    r"_(changelist|change|history|statementline_decide|dayclose_day|pdf|csv|transactions|texts|the_line)$"
    r"|^(index|app_list|dashboard|dashboard-csv|staff-search|search|view_on_site)$"
)
# What everybody may do for themselves, and what is taken away as a file, which is recorded.
LEFT_OUT = re.compile(r"^(login|logout|password_change|view_on_site)$|_(pdf|csv)$")
# Enough for any form of the back-office.
ANSWERS = {
    "why": "because",
    "key": "0123456789",
    "decision": "approve",
    "amount": "1000",
    "text": "a note",
    "note": "a note",
    "provider": MPESA,
    "account": "600100",
    "reference": "X",
    "movement": "top_up",
    "action": "resolve_many",
    "index": "0",
    "post": "yes",
}


@pytest.fixture
def much(no_worker: None) -> Day:
    """Rows of about everything: a closed day that somebody wants open again, cases, a transfer."""
    day = Day(business_day(timezone.now()) - timedelta(days=2))
    paid = trouble(day)
    day.next()
    imported(as_csv([*day.portal.rows, day.portal.rows[0][:5]]), name="whole.csv")
    match_statements()
    till, closer = till_of(MPESA, "collection"), a_member("Closer", "finance")
    close_day(till=till, day=day.day, by=closer)
    ask_to_reopen(till=till, day=day.day, by=closer, why="a late file")
    a_transfer(state=TransferState.REQUESTED, payment=paid["plain"])
    delivery = WebhookDelivery.objects.create(
        dialect="mpesa_daraja",
        trust=WebhookDelivery.Trust.OPEN,
        body=b'{"one long word": "%s"}' % (b"x" * 300),
        body_bytes=320,
    )
    Bill.objects.create(
        provider=MPESA,
        dialect="mpesa_daraja",
        receipt="QK2",
        msisdn="255754999002",
        amount=700,
        state=Bill.State.SUSPENSE,
        delivery=delivery,
    )
    Bulk.objects.create(verb=Bulk.Verb.RESOLVE, by=closer, why="many", cases=1, amount=700)
    rebuild()
    for rules in (CaseRules, TransferRules):
        rules.current()  # made when they are first looked at
    return day


def test_every_page_can_be_read_and_offers_nothing_to_do(sign_in: SignIn, much: Day) -> None:
    page = sign_in("Amina", "auditor")
    page.goto("/admin/")
    lists = [path for path in links_in(page, "nav") if "password" not in path]
    assert len(lists) > 20
    for path in [*lists, f"/admin/payments/dayclose/{MPESA}/collection/{much.day}/"]:
        read(page, path)
        row = page.locator("#result_list tbody th a, #result_list tbody td a").first
        if row.count():
            read(page, str(row.get_attribute("href")))


def read(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, f"{answer.status} {path}"
    leads = {path: resolve(path).url_name or "" for path in links_in(page, "#main, #content")}
    assert [path for path, name in leads.items() if not READS.search(name)] == []
    buttons = page.locator("#content form[method=post] [type=submit]:visible")
    assert buttons.all_inner_texts() == [], path
    glance_at(page, "auditor" + path.replace("/", "-"))


def links_in(page: Page, part: str) -> list[str]:
    """The back-office's pages that a part of this one links to."""
    found = page.locator(part).locator("a[href]").evaluate_all("all => all.map(each => each.href)")
    paths = [urlsplit(address).path for address in found if address.startswith("http")]
    return sorted({path for path in paths if path.startswith("/admin/")})


def test_what_a_script_sends_is_refused_and_changes_nothing(much: Day) -> None:
    client = Client(raise_request_exception=True)
    client.force_login(a_member("Amina", "auditor"))
    before, refused = everything(), set[str]()
    for name, path in addresses(much):
        answer = client.post(path, ANSWERS | {"_selected_action": first_keys(Case)})
        if not READS.search(name):
            assert answer.status_code in (403, 404, 405), f"{answer.status_code} {name} {path}"
            refused.add(name)
    assert {
        "cases_case_claim",
        "payments_dayclose_close",
        "payments_dayclose_decide",
        "payments_payment_refund",
        "payments_providerswitch_add",
        "payments_statementfile_add",
        "payments_statementline_accept",
        "payments_transfer_approve",
    } <= refused
    assert changed(before, everything()) == []


def addresses(day: Day) -> Iterator[tuple[str, str]]:
    """Every address of the back-office, by its name, with keys of rows that are there."""
    for pattern, route in of_admin(get_resolver().url_patterns):
        name = pattern.name or ""
        if not name or LEFT_OUT.search(name):
            continue
        parts = partial(key, route=route, day=day)
        yield name, "/" + re.sub(r"<(?:\w+:)?(\w+)>", parts, route)


def of_admin(
    patterns: list[URLPattern | URLResolver], before: str = ""
) -> Iterator[tuple[URLPattern, str]]:
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from of_admin(each.url_patterns, route)
        elif route.startswith("admin/") and "(?P" not in route:
            yield each, route


def key(part: re.Match[str], *, route: str, day: Day) -> str:
    """What stands in an address for this part of it."""
    named = part[1]
    kept = {
        "provider": str(MPESA),
        "kind": str(DayClose.Kind.COLLECTION),
        "day": day.day.isoformat(),
    }
    if named in kept:
        return kept[named]
    if named == "line_id":
        return first_keys(StatementLine)[0]
    if named == "key" and "dashboard" in route:
        return "money"
    if named == "key":
        return first_keys(Reopening if "reopenings" in route else Certificate)[0]
    _, app, model, *_ = route.split("/")
    return first_keys(apps.get_model(app, model))[0]


def first_keys(model: type[models.Model]) -> list[str]:
    """The first row's, or one that no row has."""
    return [str(key) for key in model._default_manager.values_list("pk", flat=True)[:1]] or ["1"]


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, but sessions."""
    return {
        model._meta.label: sorted(map(repr, model._base_manager.values_list()))
        for model in apps.get_models()
        if model is not Session
    }


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    return [label for label in before if before[label] != after[label]]
