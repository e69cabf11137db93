"""A run from its first order to the last row's rest. Django must be set up."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic, sleep

from django.core.management import get_commands
from redis import Redis

from accounts.models import User
from bundles.models import Bundle
from tests.chaos.books import Verdict, ends, judge
from tests.chaos.customers import SCARCE, USUAL, Customer, Shop, draw
from tests.chaos.faults import Fault, Trouble, schedule
from tests.chaos.finance import OWNER
from tests.chaos.passing import is_anything_due, pass_time, waits
from tests.chaos.stage import TROUBLEMAKERS, Stage
from tests.simulator import PROVIDERS, Simulator
from tests.waiting import wait_until

ORDERING_AT_ONCE = 48
LOOK_SECONDS = 0.1
AFTERWARDS_SECONDS = 3
QUIET_SECONDS = 2.2  # longer than a sweep's interval
QUIET_WITHIN_SECONDS = 180.0
LEAP, LEAPS_GROW, LEAPS_MAX = timedelta(minutes=15), 4, 10  # over a week by the sixth
QUEUES = ("collect", "webhooks", "messages", "default", "back_office")

USUALLY = {
    "prompt_seconds": 10,
    "answer_seconds": 1,
    "slow_seconds": 4,
    "late_seconds": 15,
    "early_seconds": 0.5,
}
SLOWNESS = {"latency_seconds": 0.1, "latency_spread_seconds": 0.6}
BAD_ANSWERS = {
    "vodacom_mpesa": {"error_rate": 0.03, "answer_as": "html", "error_status": 503},
    "tigo_pesa": {"error_rate": 0.03, "answer_as": "empty", "error_when": "after"},
    "airtel_money": {"error_rate": 0.03, "answer_as": "truncated", "error_when": "after"},
}


@dataclass(slots=True)
class Run:
    """What a run was and what it came to."""

    customers: list[Customer]
    faults: list[Fault]
    said: list[str] = field(default_factory=list)  # to each customer: a reference, or why not
    trouble: Trouble | None = None
    differing: list[str] = field(default_factory=list)  # answers to who pressed twice
    leaps: int = 0
    seconds_of_trouble: float = 0
    seconds_of_rest: float = 0
    verdict: Verdict = field(default_factory=Verdict)


def play(stage: Stage, *, payments: int, seed: int, per_second: float) -> Run:
    """Order, hurt, wait until all is quiet, and judge."""
    run = Run(customers=draw(payments, seed), faults=schedule(payments, seed))
    simulator = Simulator(stage.system.simulator_url)
    _set(stage, simulator, run.customers, seed)
    shop = Shop(stage.system, simulator, run.customers)
    run.trouble = Trouble(stage)
    began = monotonic()
    run.said = _order_in_trouble(stage, shop, run, per_second)
    run.seconds_of_trouble = monotonic() - began
    _mend(stage)
    run.leaps = _let_it_rest(stage, simulator)
    run.seconds_of_rest = monotonic() - began - run.seconds_of_trouble
    scenarios = {said: each.scenario for said, each in zip(run.said, run.customers, strict=True)}
    run.verdict = judge(stage.system, simulator, scenarios, shop.returned)
    run.verdict.violations += [*run.differing, *_check_money(stage)]
    return run


def _check_money(stage: Stage) -> list[str]:
    """What our own proof of the books says, where there is the command."""
    if "check_money" not in get_commands():
        return []
    try:
        stage.system.manage("check_money")
    except AssertionError as words:
        return [str(words)]
    return []


def _set(stage: Stage, simulator: Simulator, customers: list[Customer], seed: int) -> None:
    """What is sold to how many, and how phones and providers behave."""
    bundles = stage.system.rows(Bundle)
    owner = stage.system.rows(User).get(email=OWNER)
    bundles.filter(name=USUAL).update(owner=owner, max_clients=2 * len(customers))
    bundles.filter(name=SCARCE).update(owner=owner, max_clients=1 + len(customers) // 30)
    simulator.configure(
        **USUALLY,
        run={"seed": seed, "mix": {"pays": 1}},
        numbers={each.msisdn: each.scenario for each in customers if not each.pays_by_menu},
        payees={each.msisdn: each.payee for each in customers},
    )
    for provider in PROVIDERS:
        simulator.configure(**{provider: {"collect": {**SLOWNESS, **BAD_ANSWERS[provider]}}})
    # Somebody else does not know the secret path that makes Tigo's callbacks evidence.
    open_path = f"{stage.system.url}/api/webhooks/tigo-pesa"
    simulator.configure(tigo_pesa={"callback": {"forged_url": open_path}})
    # M-Pesa asks nobody before it takes a bill (2.7), so that a mistyped one is money to be placed.
    simulator.configure(vodacom_mpesa={"validates_bills": False})


def _order_in_trouble(stage: Stage, shop: Shop, run: Run, per_second: float) -> list[str]:
    """Customers come at an even pace while the faults happen, each after its number of orders."""
    assert run.trouble is not None
    faults = list(run.faults)
    began = monotonic()
    with ThreadPoolExecutor(ORDERING_AT_ONCE) as threads:
        orders: list[Future[str]] = []
        second_presses: list[Future[str]] = []
        while len(orders) < len(run.customers) or faults:
            due = min(len(run.customers), int((monotonic() - began) * per_second) + 1)
            for customer in run.customers[len(orders) : due]:
                orders.append(threads.submit(shop.order, customer))
                if customer.presses_twice:
                    second_presses.append(threads.submit(shop.order, customer))
            while faults and faults[0].after_orders <= len(orders):
                run.trouble.do(faults.pop(0))
            run.trouble.look_after()
            sleep(LOOK_SECONDS)
        while not all(order.done() for order in [*orders, *second_presses]):
            sleep(AFTERWARDS_SECONDS)  # a request that died holds its key for a minute
            pass_time(stage.system, timedelta(minutes=1))
        said = [order.result() for order in orders]
    twice = [each for each in run.customers if each.presses_twice]
    for customer, press in zip(twice, second_presses, strict=True):
        if press.result() != said[customer.number]:
            run.differing.append(
                f"{customer.phone} pressed twice and got {said[customer.number]}, {press.result()}"
            )
    return said


def _mend(stage: Stage) -> None:
    """The faults stop; what production runs is there, and answers."""
    for name in TROUBLEMAKERS:
        stage.system.stop_program(name)
    for name in ("collect", "worker", "back_office", "messages", "beat"):
        if not stage.system.is_running(name):
            stage.system.restart(name)


def _let_it_rest(stage: Stage, simulator: Simulator) -> int:
    """Let time pass in leaps, each longer, until no row has a next step; returns how many.

    As on a system that slept so long: what was due meanwhile is done once.
    """
    wait_until(lambda: not simulator.waiting(), USUALLY["prompt_seconds"] + USUALLY["slow_seconds"])
    sleep(USUALLY["late_seconds"])
    for leap in range(LEAPS_MAX):
        _wait_until_quiet(stage)
        if not waits(stage.system):
            return leap
        pass_time(stage.system, LEAP * LEAPS_GROW**leap)
    _wait_until_quiet(stage)
    return LEAPS_MAX


def _wait_until_quiet(stage: Stage) -> None:
    """Until for a while nothing was due, and nothing in a queue."""
    deadline = monotonic() + QUIET_WITHIN_SECONDS
    quiet_since = monotonic()
    while monotonic() - quiet_since < QUIET_SECONDS and monotonic() < deadline:
        if is_anything_due(stage.system) or _queued(stage):
            quiet_since = monotonic()
        sleep(LOOK_SECONDS)


def _queued(stage: Stage) -> int:
    with Redis.from_url(stage.system.redis_url) as redis:
        return sum(int(redis.llen(queue)) for queue in QUEUES)


def ended(stage: Stage, run: Run) -> Counter[tuple[str, str]]:
    """How many orders of each scenario ended in which way."""
    known = ends(stage.system, run.said)
    return Counter(
        (customer.scenario, known.get(said, said))
        for customer, said in zip(run.customers, run.said, strict=True)
    )
