"""Numbers with a fixed outcome, hands on the page, and what really happened to money."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from simulator.config import Config
from simulator.phones import PAYEE_ENDINGS, SPECIAL_ENDINGS
from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

CODES = {"000002": 2001, "000003": 1, "000004": 1032}


@pytest.mark.parametrize(("ending", "code"), CODES.items())
def test_a_refusing_customer_pays_nothing(
    simulator: Simulator, merchant: Merchant, ending: str, code: int
) -> None:
    clients.daraja_push(simulator.url, f"255754{ending}", merchant.url)
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["Body"]["stkCallback"]["ResultCode"] == code
    assert simulator.truth()["movements"] == []


def test_an_unanswered_prompt_ends(simulator: Simulator, merchant: Merchant) -> None:
    simulator.configure(prompt_seconds=0.2)
    clients.airtel_pay(simulator.url, "684000005")
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["transaction"]["status_code"] == "TF"


def test_a_lost_callback_is_found_by_asking(simulator: Simulator, merchant: Merchant) -> None:
    clients.airtel_pay(simulator.url, "684000006", id="LOST1")
    clients.airtel_pay(simulator.url, "684000001", id="HEARD1")
    merchant.wait_for(1)
    found = clients.airtel_enquiry(simulator.url, "LOST1")["data"]["transaction"]
    assert found["status"] == "TS"
    assert [heard["body"]["transaction"]["id"] for heard in merchant.heard] == ["HEARD1"]


def test_a_callback_may_come_twice(simulator: Simulator, merchant: Merchant) -> None:
    clients.tigo_push(simulator.url, "255714000007")
    first, second = merchant.wait_for(2)
    assert first["body"] == second["body"]
    assert len(simulator.truth()["movements"]) == 1


def test_a_callback_may_come_before_the_answer(simulator: Simulator, merchant: Merchant) -> None:
    clients.tigo_push(simulator.url, "255714000008")
    assert len(merchant.heard) == 1


def test_an_error_may_hide_a_charge(simulator: Simulator, merchant: Merchant) -> None:
    answer = clients.daraja_push(simulator.url, "255754000009", merchant.url)
    assert answer.status_code == 500
    assert len(simulator.truth()["movements"]) == 1
    merchant.wait_for(1)


def test_a_slow_answer_comes_all_the_same(simulator: Simulator, merchant: Merchant) -> None:
    answer = clients.tigo_push(simulator.url, "255714000010")
    assert answer.elapsed.total_seconds() > 0.3
    merchant.wait_for(1)


def test_a_hand_pays_on_the_page(simulator: Simulator, merchant: Merchant) -> None:
    clients.daraja_push(simulator.url, "255754123456", merchant.url)
    page = requests.get(simulator.url, timeout=5).text
    assert "+255 754 123 456" in page
    (prompt,) = simulator.prompts()
    form = {"pin": "1234", "action": "pay"}
    page = requests.post(
        f"{simulator.url}/prompts/{prompt['id']}/answer", data=form, timeout=5
    ).text
    assert "paid" in page.lower()
    merchant.wait_for(1)
    assert simulator.truth()["wallets"]["255754123456"] == 199_000


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        ({"pin": "0000"}, "wrong_pin"),
        ({"decline": True}, "cancelled"),
        ({"ignore": True}, "waiting"),
    ],
)
def test_a_script_can_be_the_hand(
    simulator: Simulator, merchant: Merchant, wish: dict[str, object], state: str
) -> None:
    clients.tigo_push(simulator.url, "255714123456")
    (prompt,) = simulator.prompts()
    url = f"{simulator.url}/control/prompts/{prompt['id']}/answer"
    assert requests.post(url, json=wish, timeout=5).json()["prompt"]["state"] == state
    if state != "waiting":
        assert requests.post(url, json=wish, timeout=5).status_code == 409
        merchant.wait_for(1)


def test_nobody_pays_more_than_the_wallet_holds(simulator: Simulator, merchant: Merchant) -> None:
    clients.tigo_push(simulator.url, "255714000001", Amount=250_000)
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["Status"] is False
    assert simulator.truth()["movements"] == []


def test_a_wrong_setting_is_refused_whole(simulator: Simulator) -> None:
    url = f"{simulator.url}/control/config"
    before = requests.get(url, timeout=5).json()
    for wrong in (
        {"answer_seconds": 1, "nonsense": 1},
        {"answer_seconds": -1},
        {"numbers": {"x": "pays"}},
    ):
        answer = requests.post(url, json=wrong, timeout=5)
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert requests.get(url, timeout=5).json() == before


def test_a_number_can_be_given_another_outcome(simulator: Simulator, merchant: Merchant) -> None:
    simulator.configure(numbers={"255714123456": "pays"})
    clients.tigo_push(simulator.url, "255714123456")
    merchant.wait_for(1)


def test_a_bill_is_paid_on_the_page_and_its_answer_shown(
    simulator: Simulator, merchant: Merchant
) -> None:
    merchant.answers["/w2a"] = [
        "<COMMAND><RESULT>TS</RESULT><ERRORCODE>error000</ERRORCODE>"
        "<CONTENT>You are &lt;online&gt;</CONTENT></COMMAND>"
    ]
    form = {
        "provider": "tigo_pesa",
        "phone": "0714123456",
        "reference": "BUNDLE<1>",
        "amount": "1000",
    }
    page = requests.post(f"{simulator.url}/bills", data=form, timeout=5).text
    assert "BUNDLE&lt;1&gt;, TZS 1,000: <b>paid</b>. You are &lt;online&gt;" in page
    assert simulator.truth()["bills"][0]["our_reference"] == "BUNDLE<1>"
    requests.post(f"{simulator.url}/bills", data={**form, "amount": "-1"}, timeout=5)
    assert len(simulator.truth()["bills"]) == 1


def test_the_page_shows_what_was_sent_and_what_was_refused(simulator: Simulator) -> None:
    clients.tigo_a2w(simulator.url, "255714123456")
    clients.tigo_a2w(simulator.url, "255714960019")
    page = requests.get(simulator.url, timeout=5).text
    assert "TZS -1,000" in page
    assert "Disbursement: 60019" in page


def test_a_restart_forgets_neither_prompts_nor_money(config: Config, merchant: Merchant) -> None:
    before = Simulator(config)
    clients.tigo_push(before.url, "255714123456")
    before.stop()
    after = Simulator(config)
    try:
        (prompt,) = after.prompts()
        url = f"{after.url}/control/prompts/{prompt['id']}/answer"
        requests.post(url, json={"pin": "1234"}, timeout=5)
        merchant.wait_for(1)
        assert len(after.truth()["movements"]) == 1
    finally:
        after.stop()


def test_the_readme_lists_every_number() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert all(f"`{ending}`" in text for ending in (*SPECIAL_ENDINGS, *PAYEE_ENDINGS))
