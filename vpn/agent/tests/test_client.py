"""The three calls, and what is made of each kind of answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import responses
from responses import matchers

from vpn.agent.client import (
    Client,
    Enrolment,
    GatewayUnknown,
    NothingNew,
    Question,
    Refused,
    ServerAway,
    enrol,
)
from vpn.agent.state import answer_as_json
from vpn.agent.tests.states import peer, snapshot

URL = "https://konektika.example"
STATE, REPORT, ENROL = (f"{URL}/agent/v1/{name}" for name in ("state", "report", "enrol"))
QUESTION = Question("e1", 42, "ab")


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> Client:
    return Client(URL, lambda: "1.secret")


def test_a_question_says_what_we_have_and_who_we_are(
    server: responses.RequestsMock, client: Client
) -> None:
    answer = snapshot(43, peer(1))
    asked = {"epoch": "e1", "revision": "42", "digest": "ab", "wait": "25"}
    server.get(
        STATE,
        json=answer_as_json(answer),
        match=[
            matchers.query_param_matcher(asked),
            matchers.header_matcher({"Authorization": "Bearer 1.secret"}),
        ],
    )
    assert client.state(QUESTION) == answer


def test_without_a_state_the_whole_is_asked_for(
    server: responses.RequestsMock, client: Client
) -> None:
    server.get(
        STATE,
        status=204,
        headers={"Retry-After": "7"},
        match=[matchers.query_param_matcher({"epoch": "e1", "wait": "25"})],
    )
    assert client.state(Question("e1", None, None)) == NothingNew(retry_after=7)


def test_a_report_goes_out_to_the_byte(server: responses.RequestsMock, client: Client) -> None:
    server.post(REPORT, json={"sequence": 1, "unknown": [4, 5]})
    assert client.report(b'{"sequence":  1}') == {4, 5}
    assert server.calls[0].request.body == b'{"sequence":  1}'


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (401, '{"message": "who?"}', GatewayUnknown),
        (400, '{"message": "bad"}', Refused),
        (404, "<html>", Refused),
        (301, "", ServerAway),
        (408, "", ServerAway),
        (429, "", ServerAway),
        (500, "{}", ServerAway),
        (503, "<html>", ServerAway),
        (200, "<html>", ServerAway),
        (200, "{}", ServerAway),
        (200, "[]", ServerAway),
    ],
)
def test_what_is_no_answer_is_told_apart(
    server: responses.RequestsMock,
    client: Client,
    status: int,
    body: str,
    raised: type[Exception],
) -> None:
    location = {"Location": "https://elsewhere.example/"}  # must not get the secret
    server.get(STATE, status=status, body=body, headers=location)
    server.post(REPORT, status=status, body=body, headers=location)
    with pytest.raises(raised):
        client.state(QUESTION)
    with pytest.raises(raised):
        client.report(b"{}")


@pytest.mark.parametrize(
    "problem", [requests.ConnectionError(), requests.ReadTimeout(), requests.exceptions.SSLError()]
)
def test_no_connection_is_a_server_that_is_away(
    server: responses.RequestsMock, client: Client, problem: Exception
) -> None:
    server.get(STATE, body=problem)
    with pytest.raises(ServerAway):
        client.state(QUESTION)


def test_a_server_that_is_busy_says_until_when(
    server: responses.RequestsMock, client: Client
) -> None:
    server.get(STATE, status=503, headers={"Retry-After": "30"})
    with pytest.raises(ServerAway) as away:
        client.state(QUESTION)
    assert away.value.retry_after == 30


def test_a_token_is_exchanged_for_a_secret(server: responses.RequestsMock) -> None:
    sent = {"token": "t", "public_key": "k", "version": "1.0"}
    server.post(
        ENROL,
        status=201,
        json={"gateway_id": 1, "secret": "1.x"},
        match=[matchers.json_params_matcher(sent)],
    )
    assert enrol(URL, token="t", public_key="k", version="1.0") == Enrolment(1, "1.x")
    assert "Authorization" not in server.calls[0].request.headers


@pytest.mark.parametrize("status", [401, 409])
def test_a_token_that_is_not_taken_is_said_so(server: responses.RequestsMock, status: int) -> None:
    server.post(ENROL, status=status, json={"message": "This token is old."})
    with pytest.raises(Refused, match="This token is old"):
        enrol(URL, token="t", public_key="k", version="1.0")
