"""The truth, the statements and the bank: each movement once, signed, and added up right."""

from __future__ import annotations

import csv
import io

import pytest
import requests

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

KNOWN = "<COMMAND><RESULT>TS</RESULT><ERRORCODE>error000</ERRORCODE></COMMAND>"


@pytest.fixture
def day(simulator: Simulator, merchant: Merchant) -> Simulator:
    """A collection, a bill, a payout and a reversal by Tigo Pesa."""
    merchant.answers["/w2a"] = [KNOWN]
    clients.tigo_push(simulator.url, "255714000001", ReferenceID="KNKIN1")
    merchant.wait_for(1)
    simulator.pays_bill("tigo_pesa", "255714123456", "BILL1", amount=500)
    clients.tigo_a2w(simulator.url, "255714123456", REFERENCEID="OUT1", AMOUNT="700")
    receipt = simulator.truth()["movements"][0]["receipt"]
    requests.post(f"{simulator.url}/control/reverse", json={"receipt": receipt}, timeout=5)
    return simulator


def test_the_statement_has_every_movement_once(day: Simulator) -> None:
    statement = day.statement("tigo_pesa")
    lines = [
        (line["type"], line["reference"], line["account"], line["amount"], line["balance"])
        for line in statement["lines"]
    ]
    assert lines == [
        ("collection", "KNKIN1", "collection", 1000, 1000),
        ("bill", "BILL1", "collection", 500, 1500),
        ("disbursement", "OUT1", "disbursement", -700, 9_999_300),
        ("reversal", "KNKIN1", "collection", -1000, 500),
    ]
    assert statement["accounts"] == {
        "collection": {"opening": 0, "closing": 500},
        "disbursement": {"opening": 10_000_000, "closing": 9_999_300},
    }
    assert all(line["fee"] == 0 for line in statement["lines"])
    assert len({line["receipt"] for line in statement["lines"]}) == 4
    assert statement["lines"][3]["original_receipt"] == statement["lines"][0]["receipt"]


def test_the_statement_is_also_a_csv(day: Simulator) -> None:
    url = f"{day.url}/control/statement/tigo_pesa"
    answer = requests.get(url, params={"format": "csv"}, timeout=5)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["amount"] for row in rows] == ["1000", "500", "-700", "-1000"]
    assert rows[0]["msisdn"] == "255714000001"


def test_there_is_no_statement_of_a_stranger(simulator: Simulator) -> None:
    url = f"{simulator.url}/control/statement/halo_pesa"
    assert requests.get(url, timeout=5).status_code == 404


def test_the_truth_tells_collections_apart_from_all_else(day: Simulator) -> None:
    truth = day.truth()
    assert truth["total"] == 1000
    assert [each["our_reference"] for each in truth["movements"]] == ["KNKIN1"]
    assert [each["amount"] for each in truth["bills"]] == [500]
    assert [each["amount"] for each in truth["outgoing"]] == [-700, -1000]
    assert truth["accounts"]["tigo_pesa"] == {"collection": 500, "disbursement": 9_999_300}
    assert truth["wallets"] == {"255714000001": 200_000, "255714123456": 200_200}


def test_both_dialects_of_mpesa_share_the_merchants_accounts(
    simulator: Simulator, merchant: Merchant
) -> None:
    clients.daraja_push(simulator.url, "255754000001", merchant.url)
    merchant.wait_for(1)
    clients.openapi_pay(simulator.url, "255754000001")
    lines = simulator.statement("vodacom_mpesa")["lines"]
    assert [line["balance"] for line in lines] == [1000, 2000]


def test_no_money_appears_or_disappears(day: Simulator) -> None:
    truth = day.truth()
    wallets = sum(balance - 200_000 for balance in truth["wallets"].values())
    accounts = truth["accounts"]["tigo_pesa"]
    assert wallets + accounts["collection"] + accounts["disbursement"] - 10_000_000 == 0


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"provider": "tigo_pesa", "msisdn": "0714", "reference": "B", "amount": 1},
        {"provider": "tigo_pesa", "msisdn": "255714123456", "reference": "", "amount": 1},
        {"provider": "tigo_pesa", "msisdn": "255714123456", "reference": "B", "amount": 0},
        {"provider": "airtel_money", "msisdn": "255684123456", "reference": "B", "amount": 1},
    ],
)
def test_a_bill_that_cannot_be_is_explained(simulator: Simulator, wish: dict[str, object]) -> None:
    answer = requests.post(f"{simulator.url}/control/paybill", json=wish, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_bill_wants_a_wallet_that_holds_it(simulator: Simulator, merchant: Merchant) -> None:
    bill = simulator.pays_bill("tigo_pesa", "255714123456", "BILL1", amount=200_001)
    assert (bill["state"], bill["words"]) == ("returned", "Too little money")
    assert merchant.heard == []


def test_a_reset_forgets_the_money_but_not_the_keys(day: Simulator) -> None:
    keys = requests.get(f"{day.url}/control/keys", timeout=5).json()
    requests.post(f"{day.url}/control/reset", timeout=5)
    assert day.statement("tigo_pesa")["lines"] == []
    assert day.truth()["accounts"]["tigo_pesa"]["disbursement"] == 10_000_000
    assert requests.get(f"{day.url}/control/keys", timeout=5).json() == keys
