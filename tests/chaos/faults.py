"""What goes wrong in a run: which fault after which order, by the run's seed, and how each is done."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

from django.db import OperationalError, connections, transaction

from payments.models import Payment
from tests.chaos.passing import pass_time
from tests.chaos.stage import Stage
from tests.fresh_database import ALIAS
from vpn.models import Gateway

# How often in a thousand payments, and how often at least.
FAULTS = {
    "SIGKILL worker": (10, 1),
    "SIGKILL collect": (8, 1),
    "SIGKILL ahead": (4, 1),
    "SIGKILL beat": (2, 1),
    "Redis restarted empty": (4, 1),
    "MariaDB restarted": (2, 1),
    "MariaDB SIGKILL": (3, 1),
    "all connections cut": (12, 1),
    "cut at COMMIT": (60, 4),
    "fight for locks": (40, 3),
    "a minute passes": (60, 4),
}
SUPERVISED = (
    "web",
    "collect",
    "worker",
    "back_office",
    "messages",
    "beat",
    "ahead",
    "beat-2",
    "finance",
)
AWAY_SECONDS = (0.2, 1.5)  # how long a killed program stays away
FIGHT_SECONDS = 8.0
HELD_SECONDS = 0.3
# So many changes make ours the transaction that the database spares.
GROW_HEAVY = "INSERT INTO chaos_weight SELECT seq FROM seq_1_to_2000"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault, to be done once so many orders were given."""

    after_orders: int
    name: str
    seconds: float


def schedule(payments: int, seed: int) -> list[Fault]:
    """The faults of a run, in their order; none before the first orders or after the last."""
    dice = random.Random(f"faults {seed}")  # noqa: S311 - dice, not secrets
    return sorted(
        Fault(
            after_orders=round(payments * dice.uniform(0.03, 0.97)),
            name=name,
            seconds=dice.uniform(*AWAY_SECONDS),
        )
        for name, (per_thousand, least) in FAULTS.items()
        for _ in range(max(least, round(per_thousand * payments / 1000)))
    )


class Trouble:
    """Does the faults, and counts what they came to."""

    def __init__(self, stage: Stage) -> None:
        self.done: Counter[str] = Counter()
        self.deadlocks = 0
        self.ended: Counter[str] = Counter()  # programs that ended by themselves
        self._stage = stage
        self._others: dict[str, Callable[[], None]] = {
            "Redis restarted empty": stage.empty_redis,
            "MariaDB restarted": stage.stop_mariadb,
            "MariaDB SIGKILL": stage.kill_mariadb,
            "all connections cut": stage.cut_all,
            "cut at COMMIT": stage.cut_a_commit,
            "fight for locks": self._fight,
            "a minute passes": lambda: pass_time(stage.system, timedelta(minutes=1)),
        }

    def do(self, fault: Fault) -> None:
        program = fault.name.removeprefix("SIGKILL ")
        if program != fault.name:
            self._stage.system.kill(program)
            sleep(fault.seconds)
            self._stage.system.start_again(program)
        else:
            self._others[fault.name]()
        self.done[fault.name] += 1

    def look_after(self) -> None:
        """Start again what has ended by itself, as whatever supervises the Procfile does."""
        for name in SUPERVISED:
            if not self._stage.system.is_running(name):
                self._stage.system.start_again(name)
                self.ended[name] += 1

    def _fight(self) -> None:
        """Want locks in the opposite order to fulfilment's until the database had to end somebody.

        Fulfilling locks a payment and then the gateway. The database spares who has written more.
        """
        deadline, before = monotonic() + FIGHT_SECONDS, _deadlocks()
        while monotonic() < deadline and _deadlocks() == before:
            try:
                _hold_the_gateway_and_want_payments()
            except OperationalError:
                continue
        self.deadlocks += max(0, _deadlocks() - before)


def _hold_the_gateway_and_want_payments() -> None:
    system = connections[ALIAS]
    with system.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS chaos_weight (n INT) ENGINE=InnoDB")
    with transaction.atomic(using=ALIAS):
        with system.cursor() as cursor:
            cursor.execute(GROW_HEAVY)
        list(Gateway.objects.using(ALIAS).select_for_update().values_list("pk"))
        sleep(HELD_SECONDS)
        waiting = Payment.objects.using(ALIAS).filter(follow_up_at__isnull=False)
        list(waiting.select_for_update().values_list("pk"))
        transaction.set_rollback(True, using=ALIAS)


def _deadlocks() -> int:
    """How many the server has counted since it started."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
        return int(cursor.fetchone()[1])
