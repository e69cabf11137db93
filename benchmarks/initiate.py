"""Does asking to pay wait for the provider?"""

from __future__ import annotations

from time import perf_counter

from benchmarks.figures import Figure
from benchmarks.people import People
from tests.simulator import Simulator

BLOCKS = 4
REQUESTS_PER_BLOCK = 15
SLOW_SECONDS = 10


def measure(people: People, simulator: Simulator) -> Figure:
    """Blocks of requests, with the provider answering at once and in 10 s by turns."""
    series: dict[int, list[float]] = {0: [], SLOW_SECONDS: []}
    _block(people)  # the first requests of a fresh process are nobody's figure
    for _ in range(BLOCKS):
        for seconds, times in series.items():
            simulator.answers_after(seconds)
            times += _block(people)
    simulator.answers_after(0)
    return Figure("initiate, slow provider", series[SLOW_SECONDS], series[0], at_most=1.2)


def _block(people: People) -> list[float]:
    times = []
    for person in [people.newcomer() for _ in range(REQUESTS_PER_BLOCK)]:
        began = perf_counter()
        person.asks_to_pay(people.bundle_id)
        times.append(perf_counter() - began)
    return times
