"""Who pays in a run and what becomes of each prompt, by the run's seed; and their ordering."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any

import requests
from knox.models import AuthToken

from accounts.models import User
from bundles.models import Bundle
from tests.simulator import PREFIXES, Simulator
from tests.system import System

# How often each scenario of simulator/README.md is met. Without `other_amount`: the lie of a proved
# callback about its amount only a statement can tell.
MIX = {
    "pays": 40,
    "callback_lost": 7,
    "callback_twice": 4,
    "callback_first": 4,
    "error_after_charging": 4,
    "response_lost": 4,
    "slow": 3,
    "pays_late": 4,
    "pays_part": 3,
    "pays_too_much": 3,
    "success_then_failure": 2,
    "failure_then_success": 2,
    "forged_callback": 3,
    "other_phone": 1,
    "wrong_pin": 4,
    "insufficient_funds": 3,
    "cancelled": 4,
    "never_answers": 4,
    "not_registered": 1,
    "pays_bill": 6,
    "mistypes_bill": 3,
}
BILLS = (
    "pays_bill",
    "mistypes_bill",
)  # by the provider's own menu, with our reference or not quite
BILLERS = ("vodacom_mpesa", "tigo_pesa")
OTHER_AMOUNTS = ("pays_part", "pays_too_much")
TELLS_NO_AMOUNT = "airtel_money"  # neither its callback nor its enquiry: nothing to compare
PAYEES = {
    "paid": 60,
    "callback_lost": 8,
    "callback_twice": 5,
    "in_progress_first": 6,
    "error_after_paying": 5,
    "response_lost": 5,
    "slow": 3,
    "timed_out_after_paying": 4,
    "timed_out": 4,
}
USUAL, SCARCE = "Daily Bundle", "Weekly Bundle"
ORDER_SECONDS = 240  # longer than a key is held by a request that died, on a busy machine too
TIMEOUT_SECONDS = 30  # as long as the app waits
AGAIN_SECONDS = 1.0
REFUSED = "refused: "
RETURNED = f"{REFUSED}returned"  # the provider has given the money of a bill back
SOLD_OUT = f"{REFUSED}bundle_sold_out"

Weights = dict[str, int]


@dataclass(frozen=True, slots=True)
class Customer:
    """One person with one phone and one wish.

    For `is_impatient` everything happens twice: the button is pressed twice at once, or the provider
    repeats what it says of the bill.
    """

    number: int
    provider: str
    scenario: str
    payee: str
    bundle: str
    is_impatient: bool

    @property
    def phone(self) -> str:
        """E.164; above the endings that mean something to the simulator."""
        return f"+255{PREFIXES[self.provider]}{4_100_000 + self.number}"

    @property
    def msisdn(self) -> str:
        return self.phone.removeprefix("+")

    @property
    def pays_by_menu(self) -> bool:
        return self.scenario in BILLS

    @property
    def presses_twice(self) -> bool:
        return self.is_impatient and not self.pays_by_menu


def draw(payments: int, seed: int) -> list[Customer]:
    """The customers of a run, in the order in which they come."""
    dice = random.Random(f"customers {seed}")  # noqa: S311 - dice, not secrets
    scenarios = _drawn(dice, MIX, payments)
    payees = _drawn(dice, PAYEES, payments)
    return [
        Customer(
            number=number,
            provider=dice.choice(_providers_for(scenarios[number])),
            scenario=scenarios[number],
            payee=payees[number],
            bundle=SCARCE if dice.random() < 0.1 else USUAL,
            is_impatient=dice.random() < 0.1,
        )
        for number in range(payments)
    ]


def _providers_for(scenario: str) -> list[str]:
    if scenario in BILLS:
        return list(BILLERS)
    is_told = scenario not in OTHER_AMOUNTS
    return [name for name in PREFIXES if is_told or name != TELLS_NO_AMOUNT]


def _drawn(dice: random.Random, weights: Weights, count: int) -> list[str]:
    """Each name once, as far as they fit, and the rest by weight; in any order."""
    names = list(weights)
    more = dice.choices(names, list(weights.values()), k=max(0, count - len(names)))
    drawn = [*names, *more][:count]
    dice.shuffle(drawn)
    return drawn


class Shop:
    """The customers' accounts, and what they do in the app."""

    def __init__(self, system: System, simulator: Simulator, customers: list[Customer]) -> None:
        self.returned: set[str] = set()  # receipts of bills whose money the provider gave back
        self._url = f"{system.url}/api/payments"
        self._simulator = simulator
        self._bundles = dict(system.rows(Bundle).values_list("name", "pk"))
        people = system.rows(User).bulk_create(
            User(email=f"{each.number}@chaos.test", full_name="Neema Mteja", phone=each.phone)
            for each in customers
        )
        tokens = AuthToken.objects.db_manager(system.rows(AuthToken).db)
        self._tokens = {person.phone: tokens.create(person)[1] for person in people}

    def order(self, customer: Customer) -> str:
        """Order until something final is said: our reference or a bill's receipt, or why not.

        What was not answered is repeated under the same key, which must do nothing twice. Where the
        scarce bundle is sold out, the usual one will do.
        """
        if customer.pays_by_menu:
            return self._pay_bill(customer)
        said = self._press(customer, customer.bundle)
        return self._press(customer, USUAL) if said == SOLD_OUT else said

    def _press(self, customer: Customer, bundle: str) -> str:
        said = self._ask(
            customer,
            "initiate",
            {
                "bundle_id": self._bundles[bundle],
                "phone_number": customer.phone,
                "provider": customer.provider,
                "payment_method": customer.provider,
            },
            key=f"{customer.number} {bundle}",
        )
        return said if isinstance(said, str) else str(said["transaction_reference"])

    def _pay_bill(self, customer: Customer) -> str:
        """Get a reference, dial the menu, and type it; who mistypes it hits the check digit."""
        offer = self._ask(customer, "paybill", {"bundle_id": self._bundles[USUAL]})
        if isinstance(offer, str):
            return offer
        typed = str(offer["reference"])
        if customer.scenario == "mistypes_bill":
            typed = typed[:-1] + str((int(typed[-1]) + 1) % 10)
        bill = self._simulator.pays_bill(
            customer.provider,
            customer.msisdn,
            typed,
            offer["amount"],
            times=2 if customer.is_impatient else 1,
        )
        if bill["state"] == "paid":
            return str(bill["receipt"])
        self.returned.add(bill["receipt"])
        return RETURNED

    def _ask(
        self, customer: Customer, path: str, wish: Mapping[str, Any], key: str = ""
    ) -> dict[str, Any] | str:
        """Ask our API until it answers; its data, or why not."""
        pause, said = Event(), ""
        headers = {"Authorization": f"Bearer {self._tokens[customer.phone]}"}
        if key:
            headers["Idempotency-Key"] = key
        deadline = monotonic() + ORDER_SECONDS
        while monotonic() < deadline:
            try:
                response = requests.post(
                    f"{self._url}/{path}", json=wish, headers=headers, timeout=TIMEOUT_SECONDS
                )
            except requests.RequestException as error:
                said = type(error).__name__
            else:
                if response.ok:
                    data: dict[str, Any] = response.json()["data"]
                    return data
                said = _code(response)
                if response.status_code < 500 and said != "request_in_flight":
                    return f"{REFUSED}{said}"
            pause.wait(AGAIN_SECONDS)
        return f"{REFUSED}never answered, at last {said}"


def _code(response: requests.Response) -> str:
    try:
        return str(response.json().get("code") or response.status_code)
    except ValueError:
        return str(response.status_code)
