"""What every dialect must do, whatever its wire looks like. Each dialect's tests subclass this."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import responses

from payments.providers.base import (
    Answer,
    Collection,
    MalformedCallback,
    Outcome,
    Provider,
    Reason,
    StatusQuestion,
)
from payments.providers.http import MemoryTokenStore, TokenStore, redact

PAYLOADS = Path(__file__).parent.parent / "payloads"
BASE_URL = "https://provider.example"
PHONE = "255754123456"
COLLECTION = Collection(
    reference="ABC123DEF456",
    amount=5000,
    msisdn=PHONE,
    description="Konektika bundle",
    callback_token="fake-callback-token-5f2d",
)
NESTED = b"[" * 100_000


def payload(dialect: str, name: str) -> dict[str, Any]:
    """A sample answer as an object."""
    body: dict[str, Any] = json.loads((PAYLOADS / dialect / f"{name}.json").read_bytes())
    return body


def sent_json(call: responses.Call) -> Any:
    """The JSON body of a request that was made."""
    assert isinstance(call.request.body, bytes)
    return json.loads(call.request.body)


class ProviderContract:
    """Behaviours that hold for each dialect."""

    dialect: ClassVar[str]
    token_url: ClassVar[str]
    token_method: ClassVar[str] = "POST"
    collect_url: ClassVar[str]
    dead_token_status: ClassVar[int] = 401
    refusal: ClassVar[tuple[int, Reason]]
    secrets: ClassVar[tuple[str, ...]]
    secrets_on_the_wire: ClassVar[tuple[str, ...]] = ()  # of a request for money, besides its token

    def build(self, tokens: TokenStore, base_url: str = BASE_URL) -> Provider:
        """A client with fake credentials."""
        raise AssertionError("each dialect builds its own")

    def sample(self, name: str) -> dict[str, Any]:
        return payload(self.dialect, name)

    def tokens_on_the_wire(self) -> tuple[str, ...]:
        """What a request carries for the token of the sample."""
        return (self.sample("token")["access_token"],)

    def callback(self, name: str) -> bytes:
        return json.dumps(self.sample(name)).encode()

    @pytest.fixture
    def wire(self) -> Iterator[responses.RequestsMock]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
            wire.add(self.token_method, self.token_url, json=self.sample("token"))
            yield wire

    @pytest.fixture
    def provider(self) -> Provider:
        return self.build(MemoryTokenStore())

    def calls_to(self, wire: responses.RequestsMock, url: str) -> list[responses.Call]:
        return [call for call in wire.calls if str(call.request.url).split("?")[0] == url]

    def collect_with(
        self, wire: responses.RequestsMock, provider: Provider, **answer: Any
    ) -> Answer:
        wire.add(responses.POST, self.collect_url, **answer)
        return provider.collect(COLLECTION)

    # Asking for money

    def test_an_accepted_request_is_pending_and_never_paid(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, json=self.sample("push_accepted"))
        assert (answer.outcome, answer.reason) == (Outcome.PENDING, None)
        assert answer.receipt == ""

    def test_a_refused_request_has_failed_with_its_reason(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        status, reason = self.refusal
        refused = self.sample("push_refused")
        answer = self.collect_with(wire, provider, json=refused, status=status)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, reason)
        assert answer.code
        assert answer.message

    def test_a_time_out_is_unknown_and_is_not_sent_again(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, body=requests.exceptions.ReadTimeout())
        assert answer.outcome == Outcome.UNKNOWN
        assert len(self.calls_to(wire, self.collect_url)) == 1

    def test_a_connection_lost_after_sending_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, body=requests.exceptions.ConnectionError())
        assert answer.outcome == Outcome.UNKNOWN

    def test_a_refused_connection_proves_that_nothing_was_sent(
        self, wire: responses.RequestsMock
    ) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            base_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        wire.add_passthru(base_url)
        wire.add(
            self.token_method,
            self.token_url.replace(BASE_URL, base_url),
            json=self.sample("token"),
        )
        answer = self.build(MemoryTokenStore(), base_url).collect(COLLECTION)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert answer.request["url"].startswith(base_url)

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
    def test_a_server_error_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.collect_with(wire, provider, body="<html>", status=status)
        assert answer.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>OK</html>",
            b"",
            b"[]",
            b"{}",
            b'"SUCCESS"',
            b'{"ResponseCode":',
            b'{"ResponseCode":NaN}',
            b"\xff\xfe\x00",
            NESTED,
        ],
    )
    def test_an_answer_that_cannot_be_read_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, body: bytes
    ) -> None:
        answer = self.collect_with(wire, provider, body=body)
        assert answer.outcome == Outcome.UNKNOWN
        json.dumps(answer.response, allow_nan=False)

    # Access tokens

    def test_one_token_serves_many_requests(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.collect_with(wire, provider, json=self.sample("push_accepted"))
        provider.collect(COLLECTION)
        assert len(self.calls_to(wire, self.token_url)) == 1

    def test_a_dead_token_is_renewed_once_and_the_same_request_is_sent_again(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        dead = self.sample("dead_token")
        wire.add(responses.POST, self.collect_url, json=dead, status=self.dead_token_status)
        answer = self.collect_with(wire, provider, json=self.sample("push_accepted"))
        assert answer.outcome == Outcome.PENDING
        assert len(self.calls_to(wire, self.token_url)) == 2
        first, second = self.calls_to(wire, self.collect_url)
        assert first.request.body == second.request.body

    def test_a_fresh_token_that_is_dead_too_proves_that_nothing_was_processed(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        dead = self.sample("dead_token")
        answer = self.collect_with(wire, provider, json=dead, status=self.dead_token_status)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert len(self.calls_to(wire, self.collect_url)) == 2
        assert answer.request["url"] == self.collect_url
        assert answer.response["status"] == self.dead_token_status

    @pytest.mark.parametrize(
        "answer",
        [
            {"json": {"error": "invalid_client", "error_description": "no"}, "status": 200},
            {"json": {"error": "invalid_grant"}, "status": 400},
            {"json": {"access_token": ""}},
            {"json": {"access_token": None}},
            {"json": {"access_token": "two words"}},
            {"json": {"access_token": "\u2603"}},
            {"body": '{"access_token":"cut-off-secret","expires_in":35'},
            {"body": "<html>", "status": 503},
            {"body": requests.exceptions.ReadTimeout()},
        ],
    )
    def test_without_a_token_nothing_is_sent(
        self, wire: responses.RequestsMock, provider: Provider, answer: dict[str, Any]
    ) -> None:
        wire.replace(self.token_method, self.token_url, **answer)
        result = self.collect_with(wire, provider, json=self.sample("push_accepted"))
        assert (result.outcome, result.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert self.calls_to(wire, self.collect_url) == []
        assert result.request["url"].startswith(self.token_url)
        assert result.response
        assert "cut-off-secret" not in repr(result)

    def test_health_is_a_token_and_moves_no_money(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        assert provider.health().is_up
        wire.replace(self.token_method, self.token_url, json={"error": "invalid_client"})
        unhealthy = self.build(MemoryTokenStore()).health()
        assert not unhealthy.is_up
        assert unhealthy.detail
        assert self.calls_to(wire, self.collect_url) == []

    # What is stored

    def test_nothing_secret_is_kept_of_request_and_answer(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        tokens = self.tokens_on_the_wire()
        secrets = (*tokens, PHONE, PHONE.removeprefix("255"), *self.secrets_on_the_wire)
        echo = f"We received {' '.join(secrets)}, +{PHONE}."
        for body in (echo, json.dumps({"Message": echo, "status": {"message": echo}})):
            answer = self.collect_with(wire, provider, body=body)
            kept = repr((answer.request, answer.response, answer.message))
            assert [secret for secret in (*secrets, *self.secrets) if secret in kept] == []
            assert answer.request["url"] == self.collect_url
            assert answer.request["body"]

    def test_the_configuration_does_not_print_its_secrets(self, provider: Provider) -> None:
        shown = repr(vars(provider))
        assert [secret for secret in self.secrets if secret in shown] == []

    # Callbacks

    def test_a_paid_callback_has_succeeded(self, provider: Provider) -> None:
        notice = provider.parse_callback(self.callback("callback_success"), {})
        assert (notice.answer.outcome, notice.answer.reason) == (Outcome.SUCCEEDED, None)
        assert notice.answer.receipt
        assert notice.answer.response == redact(self.sample("callback_success"))
        assert PHONE not in repr(notice.answer.response)

    def test_a_failed_callback_has_failed_with_its_reason(self, provider: Provider) -> None:
        notice = provider.parse_callback(self.callback("callback_failure"), {})
        assert notice.answer.outcome == Outcome.FAILED
        assert notice.answer.reason in (Reason.CANCELLED, Reason.INSUFFICIENT_FUNDS)
        assert (notice.answer.receipt, notice.answer.amount) == ("", None)
        assert notice.answer.message

    def test_a_callback_is_utf8_whatever_it_declares(self, provider: Provider) -> None:
        document = self.callback("callback_success").decode()
        for encoding in ("utf-8", "utf-8-sig"):
            headers = {"content-type": "application/json; charset=UTF-16"}
            notice = provider.parse_callback(document.encode(encoding), headers)
            assert notice.answer.outcome == Outcome.SUCCEEDED
        for encoding in ("utf-16", "utf-16-le", "utf-32", "cp500"):
            headers = {"content-type": f"application/json; charset={encoding}"}
            with pytest.raises(MalformedCallback):
                provider.parse_callback(document.encode(encoding), headers)

    def broken_callbacks(self) -> Iterator[bytes]:
        whole = self.callback("callback_success")
        yield from (b"", b"null", b"[]", b"{}", b"true", b"<xml/>", b"a=b", NESTED)
        yield whole[:-10]
        yield whole + b"}"
        yield whole.decode().encode("utf-16-le")
        yield whole.replace(b'"', b"'")
        yield b'{"x": "\xe9"}'
        yield whole[:-1] + b', "x": NaN}'
        yield whole[:-1] + b', "x": 1e400}'
        yield whole[:-1] + b', "x": ' + b"9" * 5000 + b"}"
        yield whole[:-1] + b', "x": "\\ud800"}'
        yield whole[:-1] + b', "x": ' + b"[" * 30 + b"]" * 30 + b"}"
        yield whole[:-1] + b"," + whole[1:]

    def test_a_callback_that_cannot_be_read_for_certain_is_malformed(
        self, provider: Provider
    ) -> None:
        for body in self.broken_callbacks():
            with pytest.raises(MalformedCallback):
                provider.parse_callback(body, {})

    def test_every_stored_body_is_acknowledged(self, provider: Provider) -> None:
        expected = provider.acknowledge(self.callback("callback_success"))
        assert (expected.status, expected.content_type) == (200, "application/json")
        for body in (*self.broken_callbacks(), b"\x00" * 70_000, b"\xff" * 10):
            acknowledgement = provider.acknowledge(body)
            assert acknowledgement.status == 200
            assert isinstance(json.loads(acknowledgement.body), dict)

    # Asking

    def test_a_question_that_nobody_answers_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.replace(self.token_method, self.token_url, body="<html>", status=500)
        question = StatusQuestion(reference=COLLECTION.reference, provider_reference="handle")
        assert provider.query(question).outcome == Outcome.UNKNOWN
