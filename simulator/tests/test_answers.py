"""Answers that hurt: every shape, before and after the work."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from simulator.tests import clients
from simulator.tests.conftest import Simulator

HAND = "255714123456"


@pytest.fixture
def spoils(simulator: Simulator) -> Any:
    def spoil(answer_as: str, when: str = "before", **more: Any) -> None:
        fault = {"error_rate": 1, "error_when": when, "answer_as": answer_as, **more}
        simulator.configure(
            gigantic_bytes=1_000_000, drip_seconds=0.001, tigo_pesa={"collect": fault}
        )

    return spoil


@pytest.mark.parametrize(("when", "prompts"), [("before", 0), ("after", 1)])
def test_a_page_or_nothing_with_the_status_that_is_set(
    simulator: Simulator, spoils: Any, when: str, prompts: int
) -> None:
    spoils("html", when, error_status=502)
    page = clients.tigo_push(simulator.url, HAND)
    assert page.status_code == 502
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<html>" in page.text
    assert len(simulator.prompts()) == prompts
    spoils("empty", when, error_status=200)
    empty = clients.tigo_push(simulator.url, HAND)
    assert (empty.status_code, empty.content) == (200, b"")
    assert len(simulator.prompts()) == 2 * prompts


def test_half_a_body(simulator: Simulator, spoils: Any) -> None:
    """On the plain socket, because requests raises before it shows what came."""
    token = clients.tigo_token(simulator.url)
    spoils("truncated", "after")
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
    body = {"CustomerMSISDN": HAND, "BillerMSISDN": "255710000100", "Amount": 1000}
    connection.request(
        "POST",
        "/tigo/API/BillerPayment/BillerPay",
        json.dumps({**body, "ReferenceID": "KNKHALF"}),
        {
            "Authorization": f"bearer {token}",
            "Username": "fake-user",
            "Password": "fake-password",
            "Content-Type": "application/json",
        },
    )
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    connection.close()
    assert answer.status == 200
    assert caught.value.partial.startswith(b'{"ResponseCode": "BILLER-18-0000-S"')
    assert len(simulator.prompts()) == 1


@pytest.mark.parametrize("answer_as", ["gigantic", "drip"])
def test_far_too_much_or_byte_by_byte_is_still_the_answer(
    simulator: Simulator, spoils: Any, answer_as: str
) -> None:
    spoils(answer_as, "after")
    answer = clients.tigo_push(simulator.url, HAND)
    assert answer.json()["ResponseCode"] == "BILLER-18-0000-S"
    assert (len(answer.content) > 900_000) == (answer_as == "gigantic")
    assert len(simulator.prompts()) == 1


def test_before_the_work_it_is_the_error_that_is_spoilt(simulator: Simulator, spoils: Any) -> None:
    spoils("drip", error_status=503, error_code="BILLER-18-3020-E")
    answer = clients.tigo_push(simulator.url, HAND)
    assert (answer.status_code, answer.json()["ResponseCode"]) == (503, "BILLER-18-3020-E")
    spoils("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        clients.tigo_push(simulator.url, HAND)
    assert simulator.prompts() == []


@pytest.mark.parametrize(
    ("code", "shape"),
    [
        ("500.003.02", "errorCode"),
        ("500.003.03", "errorCode"),
    ],
)
def test_daraja_throttles_in_its_own_words(simulator: Simulator, code: str, shape: str) -> None:
    simulator.configure(vodacom_mpesa={"collect": {"error_rate": 1, "error_code": code}})
    answer = clients.daraja_push(simulator.url, HAND, "http://127.0.0.1:1/x")
    assert (answer.status_code, answer.json()[shape]) == (500, code)


@pytest.mark.parametrize("code", ["ESB000014", "ROUTER117", "DP00800001000", "0000900"])
def test_airtel_is_ambiguous_in_its_own_words(simulator: Simulator, code: str) -> None:
    fault = {"error_rate": 1, "error_status": 200, "error_code": code}
    simulator.configure(airtel_money={"query": fault})
    answer = clients.airtel_enquiry(simulator.url, "OURID1")
    assert code in (answer.get("status_code"), *answer.get("status", {}).values())
