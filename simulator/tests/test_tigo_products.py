"""Tigo's XML products: disbursement to a wallet, and bills that customers pay."""

from __future__ import annotations

import pytest
import requests

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

PAYEE = "255714123456"
KNOWN = (
    "<COMMAND><TYPE>SYNC_LOOKUP_RESPONSE</TYPE><RESULT>TS</RESULT><ERRORCODE>error000</ERRORCODE>"
    "<FLAG>Y</FLAG><CONTENT>BUNDLE 1</CONTENT></COMMAND>"
)


def paid(result: str = "TS", code: str = "error000") -> str:
    return (
        f"<COMMAND><TYPE>SYNC_BILLPAY_RESPONSE</TYPE><REFID>1</REFID><RESULT>{result}</RESULT>"
        f"<ERRORCODE>{code}</ERRORCODE><CONTENT>You are online</CONTENT></COMMAND>"
    )


@pytest.mark.parametrize(("kind", "reply"), [("REQMFICI", "RESMFICI"), ("REQMFCI", "RESMFCI")])
def test_a_payout_is_done_at_once(simulator: Simulator, kind: str, reply: str) -> None:
    answer = clients.tigo_a2w(simulator.url, "0714123456", TYPE=kind, REFERENCEID="OUT1")
    assert answer.headers["Content-Type"].startswith("text/xml")
    fields = clients.xml_fields(answer.text)
    (moved,) = simulator.truth()["outgoing"]
    assert fields == {
        "TYPE": reply,
        "REFERENCEID": "OUT1",
        "TXNID": moved["receipt"],
        "TXNSTATUS": "200",
        "MESSAGE": "Success",
    }
    assert (moved["msisdn"], moved["our_reference"]) == (PAYEE, "OUT1")


@pytest.mark.parametrize(
    "code",
    [
        "00026",
        "00031",
        "00042",
        "00317",
        "00410",
        "02117",
        "60014",
        "60017",
        "60018",
        "60019",
        "60021",
        "60024",
        "60028",
        "60030",
        "60074",
    ],
)
def test_each_refusal_has_a_payee(simulator: Simulator, code: str) -> None:
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, f"2557149{code}").text)
    assert (fields["TXNSTATUS"], fields["TXNID"]) == (code, "")
    assert simulator.truth()["outgoing"] == []


def test_success_and_codes_are_written_in_two_ways(simulator: Simulator) -> None:
    simulator.configure(tigo_pesa={"success_status": "0", "leading_zeros": False})
    for phone, status in ((PAYEE, "0"), ("255714900317", "317"), ("255714960019", "60019")):
        fields = clients.xml_fields(clients.tigo_a2w(simulator.url, phone).text)
        assert fields["TXNSTATUS"] == status


def test_a_payee_may_be_given_any_code_but_that_of_success(simulator: Simulator) -> None:
    simulator.configure(payees={PAYEE: "99999"})
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, PAYEE).text)
    assert (fields["TXNSTATUS"], fields["TXNID"]) == ("99999", "")
    wish = {"payees": {PAYEE: "200"}}
    answer = requests.post(f"{simulator.url}/control/config", json=wish, timeout=5)
    assert answer.status_code == 400
    simulator.configure(payees={PAYEE: None})
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, PAYEE).text)
    assert fields["TXNSTATUS"] == "200"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"MSISDN": "255710000999"}, "02117"),
        ({"PIN": "0000"}, "00026"),
        ({"MSISDN1": "714123456"}, "60074"),
        ({"MSISDN1": "255714000020"}, "60074"),
        ({"AMOUNT": "1000.50"}, "00042"),
        ({"AMOUNT": "1"}, "60017"),
        ({"AMOUNT": "3000001"}, "60018"),
        ({"AMOUNT": "10000001"}, "00031"),
        ({"REFERENCEID": "has-hyphen"}, "100"),
    ],
)
def test_a_wrong_field_has_its_code(
    simulator: Simulator, changes: dict[str, str], code: str
) -> None:
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, PAYEE, **changes).text)
    assert (fields["TXNSTATUS"], fields["TXNID"]) == (code, "")
    assert simulator.truth()["outgoing"] == []


def test_an_empty_float_pays_nobody(simulator: Simulator) -> None:
    simulator.configure(merchant_float=999)
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, PAYEE).text)
    assert fields["TXNSTATUS"] == "60019"


@pytest.mark.parametrize(("ending", "count"), [("000051", 1), ("000052", 0)])
def test_a_generic_error_may_hide_a_payout(simulator: Simulator, ending: str, count: int) -> None:
    fields = clients.xml_fields(clients.tigo_a2w(simulator.url, f"255714{ending}").text)
    assert (fields["TXNSTATUS"], fields["TXNID"]) == ("100", "")
    assert len(simulator.truth()["outgoing"]) == count


def test_an_error_a_cut_connection_and_a_slow_answer_hide_payouts(simulator: Simulator) -> None:
    assert clients.tigo_a2w(simulator.url, "255714000053").status_code == 500
    with pytest.raises(requests.ConnectionError):
        clients.tigo_a2w(simulator.url, "255714000054")
    assert clients.tigo_a2w(simulator.url, "255714000058").elapsed.total_seconds() > 0.3
    assert len(simulator.truth()["outgoing"]) == 3


def test_type_and_reference_count_once(simulator: Simulator) -> None:
    for kind, code in (("REQMFICI", "200"), ("REQMFICI", "100"), ("REQMFCI", "200")):
        answer = clients.tigo_a2w(simulator.url, PAYEE, TYPE=kind, REFERENCEID="SAME1")
        assert clients.xml_fields(answer.text)["TXNSTATUS"] == code


@pytest.mark.parametrize(
    "body", ["nonsense", "<OTHER/>", '<!DOCTYPE x [<!ENTITY e "1">]><COMMAND>&e;</COMMAND>']
)
def test_what_is_no_command_is_refused(simulator: Simulator, body: str) -> None:
    answer = requests.post(f"{simulator.url}/tigo/a2w", data=body, timeout=5)
    assert answer.status_code == 400


def test_a_bill_is_asked_about_and_paid(simulator: Simulator, merchant: Merchant) -> None:
    merchant.answers["/w2a"] = [KNOWN, paid()]
    bill = simulator.pays_bill("tigo_pesa", PAYEE, "BUNDLE1")
    assert (bill["state"], bill["words"]) == ("paid", "You are online")
    check, pay = (clients.xml_fields(heard["body"]) for heard in merchant.heard)
    assert check == {
        "TYPE": "SYNC_LOOKUP_REQUEST",
        "MSISDN": PAYEE,
        "COMPANYNAME": "600200",
        "CUSTOMERREFERENCEID": "BUNDLE1",
    }
    assert (pay["TYPE"], pay["TXNID"], pay["AMOUNT"]) == (
        "SYNC_BILLPAY_REQUEST",
        bill["receipt"],
        "1000",
    )
    (moved,) = simulator.truth()["bills"]
    assert (moved["receipt"], moved["amount"]) == (bill["receipt"], 1000)
    assert simulator.truth()["total"] == 0


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([KNOWN.replace("TS", "TF").replace("error000", "error010")], 1),
        ([KNOWN, paid("TF", "error012")], 2),
        ([KNOWN, paid("TS", "error100")], 2),
        ([KNOWN, "nonsense"], 3),
        ([KNOWN, paid("TF", "error111")], 3),
    ],
)
def test_a_refused_bill_goes_back_to_the_customer(
    simulator: Simulator, merchant: Merchant, answers: list[str], asked: int
) -> None:
    merchant.answers["/w2a"] = list(answers)
    bill = simulator.pays_bill("tigo_pesa", PAYEE, "BUNDLE1")
    assert bill["state"] == "returned"
    assert len(merchant.heard) == len(bill["questions"]) == asked
    assert simulator.truth()["bills"] == []
    assert simulator.truth()["wallets"][PAYEE] == 200_000


def test_a_bill_that_is_asked_about_again_is_the_same(
    simulator: Simulator, merchant: Merchant
) -> None:
    merchant.answers["/w2a"] = [KNOWN, paid("TF", "error111"), paid()]
    bill = simulator.pays_bill("tigo_pesa", PAYEE, "BUNDLE1", times=2)
    assert bill["state"] == "paid"
    pays = [clients.xml_fields(heard["body"]) for heard in merchant.heard[1:]]
    assert [each["TXNID"] for each in pays] == [bill["receipt"]] * 3
    assert len(simulator.truth()["bills"]) == 1
