"""What every dialect must do with money that goes out. A test class for each call subclasses this.

`call` is the call: `disburse` or `refund`. Its sample answers are `<sample>_taken`, `<sample>_refused`
and `<sample>_unlisted` with the dialect's `suffix`, in the payloads' folder.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
import requests
import responses

from common.outgoing_http import ANSWER_BYTES_MAX
from payments.providers.base import (
    Answer,
    Disbursement,
    Lookup,
    Outcome,
    Provider,
    Reason,
    Refund,
    Reversal,
    TransferQuestion,
)
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.tests.providers.contract import BASE_URL, COLLECTION, NESTED, PAYLOADS, PHONE

DISBURSEMENT = Disbursement(
    reference="PAY123DEF456",
    amount=5000,
    msisdn=PHONE,
    description="Konektika payout",
    callback_token="fake-callback-token-7c1e",
)
REFUND = Refund(
    reference="REF123DEF456",
    receipt="MP210603.1234.L06941",
    collection_reference=COLLECTION.reference,
    amount=COLLECTION.amount,
    msisdn=PHONE,
    description="Konektika refund",
    callback_token="fake-callback-token-7c1e",
)
DISBURSEMENT_QUESTION = TransferQuestion(
    reference=DISBURSEMENT.reference,
    provider_reference="",
    is_reversal=False,
    receipt="",
    collection_reference="",
    callback_token=DISBURSEMENT.callback_token,
)
REFUND_QUESTION = TransferQuestion(
    reference=REFUND.reference,
    provider_reference="",
    is_reversal=True,
    receipt=REFUND.receipt,
    collection_reference=REFUND.collection_reference,
    callback_token=REFUND.callback_token,
)


class OutgoingContract:
    """Behaviours that hold for each dialect's outgoing money."""

    dialect: ClassVar[str]
    call: ClassVar[Literal["disburse", "refund"]] = "disburse"
    url: ClassVar[str]
    method: ClassVar[str] = "POST"
    sample: ClassVar[str] = "disbursement"
    suffix: ClassVar[str] = "json"
    token_url: ClassVar[str] = ""  # "" where the call carries no token
    token_method: ClassVar[str] = "POST"
    dead_token_status: ClassVar[int] = 401
    taken: ClassVar[Outcome] = Outcome.SUCCEEDED  # PENDING where the result comes by callback
    taken_status: ClassVar[int] = 200
    refusal: ClassVar[tuple[int, Reason]]  # HTTP status of the refused sample, and its reason
    refusal_words: ClassVar[str]  # the message in the refused sample, as it stands there
    unlisted: ClassVar[tuple[int, str]]  # HTTP status of the unlisted sample, and its code
    reversal: ClassVar[Reversal]
    secrets: ClassVar[tuple[str, ...]]
    secrets_on_the_wire: ClassVar[tuple[str, ...]] = ()  # of a request for money, besides its token

    def build(self, tokens: TokenStore, base_url: str = BASE_URL) -> Provider:
        """A client with fake credentials, all of whose addresses lie under the base URL."""
        raise AssertionError("each dialect builds its own")

    def body(self, name: str) -> bytes:
        return (PAYLOADS / self.dialect / f"{self.sample}_{name}.{self.suffix}").read_bytes()

    def token_sample(self, name: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((PAYLOADS / self.dialect / f"{name}.json").read_bytes())
        return body

    def tokens_on_the_wire(self) -> tuple[str, ...]:
        """What a request carries for the token of the sample."""
        return (self.token_sample("token")["access_token"],) if self.token_url else ()

    def send(self, provider: Provider) -> Answer:
        return provider.refund(REFUND) if self.call == "refund" else provider.disburse(DISBURSEMENT)

    @pytest.fixture
    def wire(self) -> Iterator[responses.RequestsMock]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
            if self.token_url:
                wire.add(self.token_method, self.token_url, json=self.token_sample("token"))
            yield wire

    @pytest.fixture
    def provider(self) -> Provider:
        return self.build(MemoryTokenStore())

    def calls_to(self, wire: responses.RequestsMock, url: str) -> list[responses.Call]:
        return [call for call in wire.calls if str(call.request.url).split("?")[0] == url]

    def send_with(self, wire: responses.RequestsMock, provider: Provider, **answer: Any) -> Answer:
        wire.add(self.method, self.url, **answer)
        return self.send(provider)

    # What the provider says

    def test_a_success_is_taken(self, wire: responses.RequestsMock, provider: Provider) -> None:
        taken = self.body("taken")
        answer = self.send_with(wire, provider, body=taken, status=self.taken_status)
        assert (answer.outcome, answer.reason) == (self.taken, None)
        assert not answer.is_unlisted

    def test_a_listed_refusal_has_failed_with_its_reason(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        status, reason = self.refusal
        answer = self.send_with(wire, provider, body=self.body("refused"), status=status)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, reason)
        assert answer.code
        assert answer.message
        assert (answer.receipt, answer.is_unlisted) == ("", False)

    def test_an_unlisted_code_is_unknown_and_kept_for_staff(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        status, code = self.unlisted
        answer = self.send_with(wire, provider, body=self.body("unlisted"), status=status)
        assert (answer.outcome, answer.code) == (Outcome.UNKNOWN, code)
        assert answer.is_unlisted
        assert len(self.calls_to(wire, self.url)) == 1

    # What the network does

    def test_a_time_out_is_unknown_and_is_not_sent_again(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.send_with(wire, provider, body=requests.exceptions.ReadTimeout())
        assert (answer.outcome, answer.reason) == (Outcome.UNKNOWN, None)
        assert len(self.calls_to(wire, self.url)) == 1

    def test_a_connection_lost_after_sending_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.send_with(wire, provider, body=requests.exceptions.ConnectionError())
        assert answer.outcome == Outcome.UNKNOWN
        assert len(self.calls_to(wire, self.url)) == 1

    def test_a_refused_connection_proves_that_nothing_was_sent(
        self, wire: responses.RequestsMock
    ) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            base_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        wire.add_passthru(base_url)
        if self.token_url:
            token_url = self.token_url.replace(BASE_URL, base_url)
            wire.add(self.token_method, token_url, json=self.token_sample("token"))
        answer = self.send(self.build(MemoryTokenStore(), base_url))
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert answer.request["url"] == self.url.replace(BASE_URL, base_url)

    def test_a_connection_that_never_came_about_proves_that_nothing_was_sent(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.send_with(wire, provider, body=requests.exceptions.ConnectTimeout())
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
    def test_a_server_error_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        for body in (b"<html>", b"", self.body("taken")):
            answer = self.send_with(wire, provider, body=body, status=status)
            assert answer.outcome == Outcome.UNKNOWN
        assert len(self.calls_to(wire, self.url)) == 3

    def unreadable_answers(self) -> Iterator[bytes]:
        whole = self.body("taken").strip()
        yield from (b"<html>OK</html>", b"", b"[]", b"{}", b'"SUCCESS"', b"OK", b"<COMMAND/>")
        yield from (b'{"output_ResponseCode":NaN}', b"\xff\xfe\x00", NESTED, b"<a>" * 50_000)
        yield whole[:-1]
        yield whole[: len(whole) // 2]
        yield whole + whole
        yield whole + b" " * ANSWER_BYTES_MAX
        yield whole.decode().encode("utf-16")

    def test_an_answer_that_cannot_be_read_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        for body in self.unreadable_answers():
            answer = self.send_with(wire, provider, body=body)
            assert answer.outcome == Outcome.UNKNOWN, body[:50]
            json.dumps(answer.response, allow_nan=False)

    # Access tokens

    def test_without_a_token_nothing_is_sent(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        if not self.token_url:
            pytest.skip("the call carries no token")
        wire.replace(self.token_method, self.token_url, body="<html>", status=503)
        answer = self.send_with(wire, provider, body=self.body("taken"))
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert self.calls_to(wire, self.url) == []

    def test_a_dead_token_is_renewed_once_and_the_same_request_is_sent_again(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        if not self.token_url:
            pytest.skip("the call carries no token")
        dead = self.token_sample("dead_token")
        wire.add(self.method, self.url, json=dead, status=self.dead_token_status)
        taken = self.body("taken")
        answer = self.send_with(wire, provider, body=taken, status=self.taken_status)
        assert answer.outcome == self.taken
        first, second = self.calls_to(wire, self.url)
        assert first.request.body == second.request.body

    # What is stored

    def test_nothing_secret_is_kept_of_request_and_answer(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        tokens = self.tokens_on_the_wire()
        secrets = (*tokens, PHONE, PHONE.removeprefix("255"), *self.secrets_on_the_wire)
        echo = f"We received {' '.join(secrets)}, +{PHONE}."
        refused = self.body("refused")
        assert self.refusal_words.encode() in refused
        in_the_message = refused.replace(self.refusal_words.encode(), echo.encode())
        for body in (echo.encode(), in_the_message):
            answer = self.send_with(wire, provider, body=body)
            self.assert_keeps_no_secret(answer, secrets)

    def test_nothing_secret_is_kept_when_the_provider_sends_our_request_back(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        def mirror(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
            body = request.body or b""
            return 200, {}, body.encode() if isinstance(body, str) else body

        wire.add_callback(self.method, self.url, callback=mirror)
        answer = self.send(provider)
        assert answer.outcome == Outcome.UNKNOWN
        self.assert_keeps_no_secret(answer, (PHONE, PHONE[3:], *self.secrets_on_the_wire))

    def assert_keeps_no_secret(self, answer: Answer, secrets: tuple[str, ...]) -> None:
        kept = repr((answer.request, answer.response, answer.message))
        assert [secret for secret in (*secrets, *self.secrets) if secret in kept] == []
        assert (answer.request["method"], answer.request["url"]) == (self.method, self.url)
        assert answer.request["body"]

    def test_the_configuration_does_not_print_its_secrets(self, provider: Provider) -> None:
        shown = repr(vars(provider))
        assert [secret for secret in self.secrets if secret in shown] == []

    # What the dialect says of itself, and what it asks

    def test_the_description_says_what_the_dialect_can_do(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        assert provider.description.reversal == self.reversal
        if self.call == "disburse":
            assert provider.description.disburses
        if self.reversal == Reversal.NONE:
            assert provider.refund(REFUND).outcome == Outcome.NOT_SENT
            assert len(wire.calls) == 0

    def test_a_question_that_nobody_answers_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        for question in (DISBURSEMENT_QUESTION, REFUND_QUESTION):
            answer = provider.query_disbursement(question)
            assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)
        can_ask = (
            provider.description.can_query_disbursement or provider.description.can_query_reversal
        )
        assert bool(wire.calls) == can_ask

    def test_a_look_up_that_nobody_answers_tells_nothing(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        assert (provider.balance(), provider.holder(PHONE)) == (Lookup(), Lookup())
