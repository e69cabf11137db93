"""`docs/api.md` has every path and every code, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from common.errors import DomainError
from tests.architecture.paths import described

PAGE = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()
ROW = re.compile(r"^\| ([A-Z, ]+) `(/api/[^`]*)` \|", re.MULTILINE)
CODE = re.compile(r"^\| `(\w+)` \| (\d{3}) \|", re.MULTILINE)
# Roots, and what staff, gateways and the web page are told.
NOT_THE_APIS = re.compile(r"^(cases|notifications)\.|\.statements\.|\.pages\.")
ELSEWHERE = {
    "PaymentError",
    "AlreadyRecorded",
    "DayNotReady",
    "NotDecidable",
    "NotPlaceable",
    "SessionNotFound",
    "CannotBeTold",
    "EnrolmentRefused",
    "GatewayUnknown",
    "KeyDiffers",
    "NoReport",
    "NothingDone",
    "SessionEnded",
}


def kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds(each)


def test_the_page_has_every_path_with_its_methods() -> None:
    told = {
        (path, method.strip())
        for methods, path in ROW.findall(PAGE)
        for method in methods.split(",")
    }
    there = {(path, method.upper()) for path, item in described().items() for method in item}
    assert told == there


def test_the_page_has_every_code_with_its_status() -> None:
    told = {(code, int(status)) for code, status in CODE.findall(PAGE)}
    there = {
        (kind.code, kind.status)
        for kind in kinds(DomainError)
        if kind.__name__ not in ELSEWHERE
        and not NOT_THE_APIS.search(f"{kind.__module__}.")
        and ".tests." not in kind.__module__
    }
    assert told == there
