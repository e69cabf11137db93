"""Scenarios that contradict themselves, and runs that a seed repeats."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import requests

from simulator.airtel_money.collection import hashed
from simulator.config import Config
from simulator.phones import PAYEE_ENDINGS, Payout
from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

PHONES = [f"255714{number:06d}" for number in range(200_000, 200_016)]
MIX = {"pays": 50, "cancelled": 25, "callback_lost": 15, "not_registered": 10}


def statuses(merchant: Merchant, count: int) -> list[bool]:
    return [heard["body"]["Status"] for heard in merchant.wait_for(count)]


def test_a_late_customer_is_told_twice(simulator: Simulator, merchant: Merchant) -> None:
    simulator.configure(prompt_seconds=0.1, late_seconds=0.1)
    clients.tigo_push(simulator.url, "255714000012")
    assert statuses(merchant, 2) == [False, True]
    assert len(simulator.truth()["movements"]) == 1


@pytest.mark.parametrize(("ending", "amount"), [("000013", 500), ("000014", 2000)])
def test_a_customer_may_pay_another_amount(
    simulator: Simulator, merchant: Merchant, ending: str, amount: int
) -> None:
    clients.tigo_push(simulator.url, f"255714{ending}")
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["Amount"] == str(amount)
    assert simulator.truth()["total"] == amount


@pytest.mark.parametrize(("ending", "told"), [("000015", [True, False]), ("000016", [False, True])])
def test_callbacks_may_contradict_each_other(
    simulator: Simulator, merchant: Merchant, ending: str, told: list[bool]
) -> None:
    simulator.configure(between_seconds=0.2)
    clients.tigo_push(simulator.url, f"255714{ending}")
    assert statuses(merchant, 2) == told
    first, second = merchant.heard
    assert second["at"] - first["at"] > 0.1
    assert len(simulator.truth()["movements"]) == 1


def test_a_callback_may_name_another_amount_or_phone(
    simulator: Simulator, merchant: Merchant
) -> None:
    for ending, name, value in (
        ("000017", "Amount", 1001.0),
        ("000018", "PhoneNumber", 255754000019),
    ):
        clients.daraja_push(simulator.url, f"255754{ending}", merchant.url)
        heard = merchant.wait_for(1)
        items = heard.pop()["body"]["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
        assert {item["Name"]: item["Value"] for item in items}[name] == value
    assert simulator.truth()["total"] == 2000


def test_a_forgers_callback_has_another_hash(simulator: Simulator, merchant: Merchant) -> None:
    clients.airtel_pay(simulator.url, "684000019")
    forged, true = (heard["body"] for heard in merchant.wait_for(2))
    for body, is_right in ((forged, False), (true, True)):
        told = hashed(body["transaction"], "test-callback-key", "transaction")
        assert (json.loads(told)["hash"] == body["hash"]) is is_right
    assert forged["transaction"]["status_code"] == "TS"
    assert true["transaction"]["status_code"] == "TF"
    assert simulator.truth()["movements"] == []


def test_a_forger_does_not_know_the_secret_segment(
    simulator: Simulator, merchant: Merchant
) -> None:
    clients.daraja_push(simulator.url, "255754000019", f"{merchant.url}/hook/secret")
    assert [heard["path"] for heard in merchant.wait_for(2)] == ["/hook", "/hook/secret"]


def test_a_forger_may_be_sent_elsewhere(simulator: Simulator, merchant: Merchant) -> None:
    simulator.configure(tigo_pesa={"callback": {"forged_url": f"{merchant.url}/public"}})
    clients.tigo_push(simulator.url, "255714000019")
    assert [heard["path"] for heard in merchant.wait_for(2)] == ["/public", "/tigo"]


def test_a_cut_connection_hides_a_charge(simulator: Simulator, merchant: Merchant) -> None:
    with pytest.raises(requests.ConnectionError):
        clients.tigo_push(simulator.url, "255714000011")
    merchant.wait_for(1)
    assert len(simulator.truth()["movements"]) == 1


def test_an_unregistered_customer_is_refused(simulator: Simulator, merchant: Merchant) -> None:
    tigo = clients.tigo_push(simulator.url, "255714000020").json()
    assert tigo["ResponseCode"] == "DebitMandate-10-2005-E"
    airtel = clients.airtel_pay(simulator.url, "684000020").json()
    assert airtel["status"]["message"] == "Msisdn Not Found"
    mpesa = clients.daraja_push(simulator.url, "255754000020", merchant.url).json()
    assert mpesa["errorCode"] == "400.002.02"


@pytest.mark.parametrize("ending", sorted(PAYEE_ENDINGS.keys() - {"000020"}))
def test_a_payees_number_pays_when_it_is_asked(
    simulator: Simulator, merchant: Merchant, ending: str
) -> None:
    clients.tigo_push(simulator.url, f"255714{ending}")
    assert statuses(merchant, 1) == [True]


@pytest.mark.parametrize("payout", sorted(set(Payout) - {Payout.REFUSED}))
def test_every_outcome_can_be_given_to_a_payee(simulator: Simulator, payout: Payout) -> None:
    """Also those whose name is longer than a provider's code may be."""
    simulator.configure(payees={"255754123456": payout})


def drawn(config: Config, merchant: Merchant, phones: Sequence[str], seed: int) -> dict[str, str]:
    """What each phone's two prompts came to, in a simulator of its own."""
    simulator = Simulator(config)
    try:
        requests.post(f"{simulator.url}/control/reset", timeout=5)
        simulator.configure(answer_seconds=30, run={"seed": seed, "mix": MIX})
        token = clients.tigo_token(simulator.url)
        accepted = {
            phone: clients.tigo_push(simulator.url, phone, token).json()["ResponseStatus"]
            for phone in [*phones, *phones]
        }
        by_phone = {phone: str(accepted[phone]) for phone in phones}
        for prompt in simulator.prompts():
            by_phone[prompt["msisdn"]] += f" {prompt['scenario']}"
        return by_phone
    finally:
        simulator.stop()


def test_a_seed_repeats_a_run_in_any_order(config: Config, merchant: Merchant) -> None:
    first = drawn(config, merchant, PHONES, seed=7)
    assert drawn(config, merchant, PHONES[::-1], seed=7) == first
    assert drawn(config, merchant, PHONES, seed=8) != first
    assert len(set(first.values())) > 3


def test_a_fixed_number_keeps_its_outcome_in_a_run(
    simulator: Simulator, merchant: Merchant
) -> None:
    simulator.configure(run={"seed": 7, "mix": {"cancelled": 1}})
    clients.tigo_push(simulator.url, "255714000001")
    clients.tigo_push(simulator.url, "255714123456")
    assert sorted(statuses(merchant, 2)) == [False, True]
    simulator.configure(run=None)
    clients.tigo_push(simulator.url, "255714123456")
    assert len(simulator.prompts()) == 1


def errors(simulator: Simulator, phones: Sequence[str]) -> dict[str, int]:
    """The status of a push to each phone."""
    requests.post(f"{simulator.url}/control/reset", timeout=5)
    simulator.configure(
        tigo_pesa={"collect": {"error_rate": 0.5, "latency_spread_seconds": 0.01}},
        run={"seed": 7, "mix": {"cancelled": 1}},
    )
    token = clients.tigo_token(simulator.url)
    return {phone: clients.tigo_push(simulator.url, phone, token).status_code for phone in phones}


def test_dice_fall_by_the_seed_too(simulator: Simulator) -> None:
    first = errors(simulator, PHONES)
    assert errors(simulator, PHONES[::-1]) == first
    assert set(first.values()) == {200, 500}


@pytest.mark.parametrize(
    "run",
    [
        7,
        {"seed": 7},
        {"seed": "x", "mix": {"pays": 1}},
        {"seed": 7, "mix": {}},
        {"seed": 7, "mix": {"nonsense": 1}},
        {"seed": 7, "mix": {"pays": -1}},
        {"seed": 7, "mix": {"pays": 0}},
    ],
)
def test_a_run_that_cannot_be_is_explained(simulator: Simulator, run: object) -> None:
    answer = requests.post(f"{simulator.url}/control/config", json={"run": run}, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("run")
