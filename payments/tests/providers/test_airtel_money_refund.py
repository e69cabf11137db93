"""Airtel Money's refund, against the Airtel fact sheet, sections 8, 11 and 12."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import responses

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.base import Answer, Outcome, Provider, Reason, Reversal
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.tests.providers.airtel_application import SECRETS, TOKEN_URL, application, envelope
from payments.tests.providers.contract import BASE_URL, payload, sent_json
from payments.tests.providers.outgoing_contract import REFUND, REFUND_QUESTION, OutgoingContract

COLLECTION_URL = f"{BASE_URL}/standard/v1/payments/ABC123DEF456"
INVALID = [
    *(f"ESB0000{code}" for code in ("33", "34", "35", "36", "39")),
    *(f"ROUTER{code}" for code in ("001", "003", "005", "006", "007", "110", "112", "119")),
    *("DP00800001026", "DP00900001018"),
]


class TestAirtelMoneyRefund(OutgoingContract):
    dialect = "airtel_money"
    call = "refund"
    sample = "refund"
    url = f"{BASE_URL}/standard/v1/payments/refund"
    token_url = TOKEN_URL
    dead_token_status = 403
    refusal = (200, Reason.NOT_FOUND)
    refusal_words = "No such transaction"
    unlisted = (200, "ESB000077")
    reversal = Reversal.FULL
    secrets: ClassVar[tuple[str, ...]] = SECRETS

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> AirtelMoney:
        return application(tokens, base_url, **changes)

    def ask(self, wire: responses.RequestsMock, provider: Provider, **answer: Any) -> Answer:
        wire.add(responses.GET, COLLECTION_URL, **answer)
        return provider.query_disbursement(REFUND_QUESTION)

    @pytest.mark.parametrize("version", ["1", "2"])
    def test_a_refund_names_the_receipt_and_nothing_of_ours(
        self, wire: responses.RequestsMock, version: str
    ) -> None:
        url = f"{BASE_URL}/standard/v{version}/payments/refund"
        wire.add(responses.POST, url, body=self.body("taken"))
        provider = self.build(MemoryTokenStore(), collection_version=version)
        answer = provider.refund(REFUND)
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "CI210603.1334.L06942")
        (call,) = self.calls_to(wire, url)
        assert sent_json(call) == {"transaction": {"airtel_money_id": "MP210603.1234.L06941"}}

    @pytest.mark.parametrize("success", [True, False])
    @pytest.mark.parametrize(
        ("status", "outcome", "is_unlisted"),
        [
            ("SUCCESS", Outcome.SUCCEEDED, False),
            ("TIP", Outcome.UNKNOWN, False),
            ("TA", Outcome.UNKNOWN, False),
            ("TF", Outcome.UNKNOWN, False),
            ("FAILED", Outcome.UNKNOWN, True),
            ("success", Outcome.UNKNOWN, True),
        ],
    )
    def test_only_the_transactions_own_status_tells_a_success(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        success: bool,
        status: str,
        outcome: Outcome,
        is_unlisted: bool,
    ) -> None:
        body = envelope("", "ESB000010", status, code="200", success=success)
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.is_unlisted) == (outcome, is_unlisted)

    def test_a_success_that_only_the_envelope_tells_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = envelope("", "ESB000010", code="200", success=True, message="SUCCESS")
        assert self.send_with(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize("code", INVALID)
    def test_an_invalid_request_has_failed(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.send_with(wire, provider, json=envelope(code))
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)

    @pytest.mark.parametrize(
        "code",
        [
            *("ESB000001", "ESB000004", "ESB000008", "ESB000041", "ESB000011", "ESB000014"),
            *("DP00800001000", "DP00800001002", "DP00800001007", "DP00800001025"),
        ],
    )
    def test_a_code_that_is_no_refusal_of_a_refund_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.send_with(wire, provider, json=envelope(code))
        assert (answer.outcome, answer.is_unlisted) == (Outcome.UNKNOWN, False)

    def test_not_found_after_an_earlier_sending_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, self.url, body=self.body("refused"))
        answer = provider.refund(replace(REFUND, sent_before=True))
        assert answer.outcome == Outcome.UNKNOWN
        wire.replace(
            responses.POST, self.url, json=payload("airtel_money", "dead_token"), status=403
        )
        assert self.send_with(wire, provider, body=self.body("refused")).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            *((status, Outcome.NOT_SENT) for status in (400, 401, 403, 404, 405)),
            (429, Outcome.UNKNOWN),  # nothing of ours would make a second refund a duplicate
        ],
    )
    def test_what_http_refuses_without_a_code(
        self, wire: responses.RequestsMock, provider: Provider, status: int, outcome: Outcome
    ) -> None:
        assert self.send_with(wire, provider, body="<html>", status=status).outcome == outcome

    # Asking what became of it

    @pytest.mark.parametrize(
        ("status", "outcome", "is_unlisted"),
        [
            ("TR", Outcome.SUCCEEDED, False),
            ("TS", Outcome.UNKNOWN, False),
            ("TF", Outcome.UNKNOWN, False),
            ("TE", Outcome.UNKNOWN, False),
            ("TIP", Outcome.UNKNOWN, False),
            ("TA", Outcome.UNKNOWN, False),
            ("TX", Outcome.UNKNOWN, True),
        ],
    )
    def test_a_reversal_is_asked_for_by_its_collection(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        status: str,
        outcome: Outcome,
        is_unlisted: bool,
    ) -> None:
        body = payload("airtel_money", "enquiry_paid")
        body["data"]["transaction"]["status"] = status
        answer = self.ask(wire, provider, json=body)
        assert (answer.outcome, answer.reason, answer.code) == (outcome, None, status)
        assert answer.is_unlisted == is_unlisted

    @pytest.mark.parametrize("code", ["ESB000045", "DP00800001025"])
    def test_a_collection_that_is_not_found_never_fails_its_reversal(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.ask(wire, provider, json=envelope(code))
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, True)

    @pytest.mark.parametrize("status", [404, 429, 500, 503])
    def test_an_enquiry_that_did_not_work_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        body = payload("airtel_money", "enquiry_paid")
        body["data"]["transaction"]["status"] = "TR"
        answer = self.ask(wire, provider, json=body, status=status)
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)
