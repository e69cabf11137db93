"""Files for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from common.exports import PAGE, Cell, csv_download, csv_pages, newest_first

User: Any = get_user_model()


def told(*row: Cell) -> list[str]:
    """What another program reads of one row."""
    _, *pages = csv_pages([["a"], row])
    return list(csv.reader(io.StringIO("".join(pages))))[1]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+255754123456",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20a",
        " =1",
    ],
)
def test_no_text_is_a_formula(text: str) -> None:
    pages = "".join(csv_pages([["a"], [text]]))
    assert f'"\'{text}"' in pages


def test_everything_else_is_what_it_was() -> None:
    moment = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert told('Asha "Mama", Juma', -500, None, moment, "a=b") == [
        'Asha "Mama", Juma',
        "-500",
        "",
        "2026-03-02 01:30:00",
        "a=b",
    ]


def test_rows_are_read_as_the_file_is_sent() -> None:
    read = 0

    def rows() -> Iterator[list[Cell]]:
        nonlocal read
        for number in range(PAGE * 3):
            read += 1
            yield [number]

    pages = csv_pages(chain([["number"]], rows()))
    assert next(pages) == "\ufeff"
    next(pages)
    assert read == PAGE - 1
    assert sum(page.count("\n") for page in pages) == PAGE * 2 + 1


@pytest.mark.django_db
def test_a_table_is_read_page_by_page(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("common.exports.PAGE", 2)
    people = [User.objects.create_user(f"{n}@example.test", "x").pk for n in range(5)]
    with django_assert_num_queries(4):
        assert [person.pk for person in newest_first(User.objects.all())] == people[::-1]


@pytest.mark.django_db
def test_who_took_what_is_logged_without_a_phone(rf: RequestFactory) -> None:
    request = rf.get("/", {"q": "0754123456", "state": "completed", "month": ""})
    request.user = User.objects.create_user("finance@example.test", "x")
    answer = csv_download(request, of=User, name="people", header=["a"], rows=[[1]], count=1)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_repr) == (request.user.pk, "1 users")
    assert entry.change_message == "Exported 1 rows; filters: q=0754***456, state=completed"
