"""`python -m benchmarks [name …]`: prints the ratios; exit code 1 when one misses its limit."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack

import django

from benchmarks import year
from benchmarks.figures import Figure
from deploy.local.mariadb_server import mariadb_server


def _initiate(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import initiate
    from benchmarks.people import People
    from tests.simulator import Simulator
    from tests.system import running_system

    with running_system() as system:
        return [initiate.measure(People(system), Simulator(system.simulator_url))]


def _activation(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import activation
    from benchmarks.people import People
    from tests.system import running_system

    with running_system() as system:
        return [activation.measure(system, People(system))]


def _intake(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import intake

    return intake.measure(is_quick=options.quick)


def _app(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import app

    return app.measure(is_quick=options.quick)


def _first_view(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import first_view

    return first_view.measure(is_quick=options.quick)


def _sweep(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import sweep

    return sweep.measure(is_quick=options.quick, is_verbose=options.verbose)


def _report(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import report

    return report.measure(is_quick=options.quick, is_verbose=options.verbose)


def _gateway(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import gateway

    return gateway.measure(is_quick=options.quick)


def _sync(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import sync

    return sync.measure(is_quick=options.quick)


def _throughput(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import throughput

    return throughput.measure(is_quick=options.quick)


def _statements(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import statements

    return statements.measure(is_quick=options.quick)


def _memory(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import memory

    return memory.measure(is_quick=options.quick)


def _backoffice(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import backoffice

    return backoffice.measure(
        kept=options.kept,
        payments=options.payments,
        is_quick=options.quick,
        is_verbose=options.verbose,
    )


def _dashboard(options: argparse.Namespace) -> list[Figure]:
    from benchmarks import dashboard

    return dashboard.measure(kept=options.kept, payments=options.payments, is_quick=options.quick)


MEASURES = {
    "initiate": _initiate,
    "activation": _activation,
    "intake": _intake,
    "app": _app,
    "first_view": _first_view,
    "sweep": _sweep,
    "report": _report,
    "gateway": _gateway,
    "sync": _sync,
    "throughput": _throughput,
    "statements": _statements,
    "memory": _memory,
    "backoffice": _backoffice,
    "dashboard": _dashboard,
}
BY_NAME_ALONE = {"backoffice", "dashboard"}  # their rows are made first, see `year`


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="smaller, to see that it runs")
    parser.add_argument("--verbose", action="store_true", help="with the database's plans")
    year.add_options(parser)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASURES):
        parser.error(f"there is no figure {', '.join(sorted(unknown))}")
    if arguments.quick:
        print("Quick: these figures are no verdict.", flush=True)
    with ExitStack() as servers:
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = servers.enter_context(mariadb_server()).url
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings_test")
        django.setup()
        is_met = True
        for name in arguments.names or [each for each in MEASURES if each not in BY_NAME_ALONE]:
            for figure in MEASURES[name](arguments):
                print(figure, flush=True)
                is_met = is_met and figure.is_met
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
