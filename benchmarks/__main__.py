"""`python -m benchmarks`: prints the ratios; exit code 1 when one is above its limit."""

from __future__ import annotations

import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings_test")
    django.setup()
    from benchmarks import activation, initiate
    from benchmarks.people import People
    from tests.simulator import Simulator
    from tests.system import running_system

    with running_system() as system:
        people = People(system)
        figures = [
            initiate.measure(people, Simulator(system.simulator_url)),
            activation.measure(system, people),
        ]
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
