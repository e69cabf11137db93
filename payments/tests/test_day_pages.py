"""Finance reads, closes and opens days on their pages, and takes certificates away."""

from __future__ import annotations

import csv
import re
import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common.paper import latin
from payments.admin.matching import decide_link
from payments.days.certificate_pdf import pdf_of
from payments.models import Bucket, Certificate, DayClose, Reopening, StatementLine
from payments.services.close_day import close_day
from payments.tests.days import DAY, Statement, a_person, collection_till, paid

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/dayclose/"
PAGE = f"{LIST}tigo_pesa/collection/{DAY}/"


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def may(*permissions: str) -> Client:
    return client_of(a_person("view_dayclose", *permissions))


@pytest.fixture
def statement() -> Statement:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    statement.line(700, bucket=Bucket.PAID_NO_ORDER, receipt="=CMD(1)")
    return statement


def send(client: Client, path: str, **answers: str) -> Any:
    return client.post(path, {"key": "0123456789", **answers}, follow=True)


def certificate_of(statement: Statement, name: str = "Finance") -> Certificate:
    by = a_person()
    by.full_name = name
    by.save()
    return close_day(till=collection_till(), day=DAY, by=by)


def text_of(pdf: bytes) -> str:
    """All that a PDF draws."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    pages = b"".join(zlib.decompress(stream) for stream in streams if stream[:1] == b"x")
    return pages.decode("latin-1")


def test_a_day_is_closed_on_its_page_and_recorded(statement: Statement) -> None:
    client = may("close_day")
    page = client.get(PAGE).content.decode()
    assert "Ready" in page
    assert "On the statement, not booked" in page
    line = StatementLine.objects.get(bucket=Bucket.PAID_NO_ORDER)
    assert f'<a href="{decide_link(line.pk)}">Receipt =CMD(1)</a>' in page
    assert 'href="close/"' in page
    answer = send(client, f"{PAGE}close/", why="month's end")
    assert "Closed: Tigo Pesa, collection" in answer.content.decode()
    certificate = Certificate.objects.get()
    assert certificate.note == "month's end"
    entry = LogEntry.objects.get()
    assert entry.object_id == str(certificate.day_close_id)
    assert "month's end" in entry.change_message
    assert client.get(f"{LIST}{certificate.day_close_id}/change/").url == PAGE  # type: ignore[attr-defined]


def test_a_day_that_is_not_ready_says_why(statement: Statement) -> None:
    statement.line(5, bucket=Bucket.NEW)
    client = may("close_day")
    page = client.get(PAGE).content.decode()
    assert "1 lines were not looked at yet." in page
    assert 'href="close/"' not in page
    assert "not looked at" in send(client, f"{PAGE}close/", why="x").content.decode()
    assert not Certificate.objects.exists()


def test_a_day_is_opened_again_by_two(statement: Statement) -> None:
    certificate_of(statement)
    one, two = may("reopen_day"), may("reopen_day")
    send(one, f"{PAGE}reopen/", why="a late file")
    asked = Reopening.objects.get()
    decide = f"{LIST}reopenings/{asked.pk}/"
    assert "a late file" in two.get(PAGE).content.decode()
    own = send(one, decide, why="me too", decision="approve").content.decode()
    assert "A second person has to decide" in own
    send(two, decide, why="right", decision="approve")
    assert DayClose.objects.get().state == "open"
    page = two.get(PAGE).content.decode()
    assert "a late file" in page
    assert "Version 1" in page


@pytest.mark.parametrize("verb", ["close", "reopen"])
def test_who_may_only_see_days_changes_none(statement: Statement, verb: str) -> None:
    client = may()
    assert client.get(f"{PAGE}{verb}/").status_code == 403
    assert send(client, f"{PAGE}{verb}/", why="x").status_code == 403


def test_who_may_not_see_days_sees_nothing_of_them(statement: Statement) -> None:
    certificate = certificate_of(statement)
    key, row = certificate.pk, f"{LIST}{certificate.day_close_id}/change/"
    stranger = client_of(a_person())
    for path in (LIST, PAGE, row, f"{LIST}certificates/{key}.pdf", f"{LIST}certificates/{key}.csv"):
        assert stranger.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "mpesa/collection/2026-03-02/",
        "tigo_pesa/collection/soon/",
        "tigo_pesa/collection/0001-01-01/",
        "tigo_pesa/collection/9999-12-31/",
        "abc/change/",
        "17/change/",
    ],
)
def test_what_is_no_day_of_a_till_is_not_found(path: str) -> None:
    assert may().get(f"{LIST}{path}").status_code == 404


def test_the_certificate_is_a_pdf_with_its_figures_and_hashes(statement: Statement) -> None:
    certificate = certificate_of(statement)
    client = may()
    answer = client.get(f"{LIST}certificates/{certificate.pk}.pdf")
    body = answer.content
    assert body.startswith(b"%PDF")
    assert answer["Content-Disposition"].endswith(f'collection-{DAY}-v1.pdf"')
    text = text_of(body)
    for part in ("Finance", "02.03.2026", certificate.hash, "1,700", "700", "=CMD\\(1\\)"):
        assert part in text
    assert "as PDF" in LogEntry.objects.get().change_message


def test_the_certificate_is_a_csv_that_no_spreadsheet_takes_for_formulas(
    statement: Statement,
) -> None:
    certificate = certificate_of(statement, name="=HYPERLINK(1)")
    answer: Any = may().get(f"{LIST}certificates/{certificate.pk}.csv")
    rows = list(csv.reader(answer.getvalue().decode().splitlines()))
    assert ["Closed by", "'=HYPERLINK(1)"] in [row[:2] for row in rows]
    assert ["Statement 255710000000", "0", "1700"] in rows
    assert ["Listed", "", "", "700"] in rows
    assert ["This certificate", certificate.hash] in rows


def test_a_name_in_any_script_makes_a_pdf(statement: Statement) -> None:
    certificate = certificate_of(statement, name="Šárka 王 Mwakyembe")
    assert latin("Šárka 王") == "Sárka ?"
    assert "Mwakyembe" in text_of(pdf_of(certificate))


def test_the_calendar_asks_as_much_for_a_month_with_days_as_for_an_empty_one(
    statement: Statement,
) -> None:
    client = may()
    client.get(LIST)

    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    few = queries(LIST)
    for number in range(1, 6):
        statement.file(DAY + timedelta(days=number))
        paid(statement, 10, day=DAY + timedelta(days=number))
        close_day(till=collection_till(), day=DAY + timedelta(days=number - 1), by=a_person())
    assert queries(LIST) == few
    assert queries(f"{LIST}?p=9") == few


def test_the_calendar_is_paged_back_to_the_first_line(statement: Statement) -> None:
    client = may()
    page = client.get(LIST).content.decode()
    last = re.search(r"Page 1 of (\d+)", page)
    assert last is not None
    shown = client.get(LIST, {"p": last[1]}).content.decode()
    assert "02.03.2026" in shown
    assert "story-day-ready" in shown
    assert "story-day-ready" not in page


def test_a_days_page_asks_as_much_for_many_lines_as_for_few(statement: Statement) -> None:
    client = may()
    client.get(PAGE)
    counts = []
    for _ in range(2):
        for _ in range(3):
            statement.line(10, bucket=Bucket.PAID_NO_ORDER)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(PAGE).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
