"""Changes the tables that decide about money, a row at a time: mutmut changes functions alone.

A row is left out or gets the meaning of another one; a move between states is forbidden or allowed.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Set
from functools import partial
from glob import glob
from importlib import import_module
from types import CodeType, ModuleType
from typing import Any

import pytest
from _pytest.main import pytest_runtestloop as run_tests

from payments.providers.base import Outcome

MONEY = (  # the likeliest to notice first
    "payments/tests/test_settle.py",
    "payments/tests/test_transfers.py",
    "payments/tests/test_*.py",
    "bundles/tests/test_*.py",
)
PROVIDERS = "payments/tests/providers/"
TESTS: dict[str, tuple[str, ...]] = {
    "payments.states": MONEY,
    "payments.ledger": MONEY,
    "payments.services.record": MONEY,
    "payments.services.settle_transfer": MONEY,
    "payments.providers.wire": (f"{PROVIDERS}test_*",),
    "payments.providers.mpesa_openapi.codes": (f"{PROVIDERS}test_mpesa_openapi*",),
    "payments.providers.mpesa_daraja.codes": (f"{PROVIDERS}test_mpesa_daraja*",),
    "payments.providers.mpesa_daraja.results": (f"{PROVIDERS}test_mpesa_daraja*",),
    "payments.providers.tigo_pesa.codes": (f"{PROVIDERS}test_tigo_pesa*",),
    "payments.providers.tigo_pesa.callbacks": (f"{PROVIDERS}test_tigo_pesa*",),
    "payments.providers.airtel_money.codes": (f"{PROVIDERS}test_airtel_money*",),
    "payments.providers.airtel_money.callbacks": (f"{PROVIDERS}test_airtel_money*",),
}
PROCESSES = os.cpu_count() or 1

Mutant = tuple[str, Callable[[], object]]  # its name, and what makes it in this process


class Rows:
    """Runs the collected tests once for each mutant, in a process forked for it."""

    def __init__(self, module_name: str) -> None:
        self.module_name = module_name
        self.running: dict[int, str] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if os.waitpid(_start(session, lambda: None), 0)[1] != 0:
            pytest.exit(f"{self.module_name}'s tests fail without any change", returncode=1)
        for name, change in mutants(import_module(self.module_name)):
            if len(self.running) == PROCESSES:
                self._wait()
            self.running[_start(session, change)] = name
        while self.running:
            self._wait()
        return True

    def _wait(self) -> None:
        process, status = os.wait()
        name = self.running.pop(process)
        if status == 0:
            print(f"- `{self.module_name}`: {name}", flush=True)


def main() -> None:
    for module_name, patterns in TESTS.items():
        if sys.argv[1] in module_name:
            found = [path for pattern in patterns for path in sorted(glob(pattern))]
            tests = dict.fromkeys(found)
            options = ["-qq", "-p", "no:cacheprovider", "--capture=no"]
            if code := pytest.main([*options, *tests], plugins=[Rows(module_name)]):
                sys.exit(code)


def mutants(module: ModuleType) -> Iterator[Mutant]:
    """Of the module's tables that functions read; one that only makes up another is changed there."""
    for name in re.findall(r"^[A-Z_]+\b", inspect.getsource(module), re.MULTILINE):
        table = vars(module)[name]
        if not _is_read(name, table):
            continue
        if isinstance(table, dict):
            yield from _of_dictionary(name, table)
        elif isinstance(table, Set) or (type(table) is tuple and not _is_meaning(table)):
            for item in sorted(table, key=str):
                kept = [other for other in table if other != item]
                left = tuple(kept) if isinstance(table, tuple) else frozenset(kept)
                yield f"{name} without {_shown(item)}", partial(_exchange, table, left)


def _of_dictionary(name: str, table: dict[Any, Any]) -> Iterator[Mutant]:
    for key, value in table.items():
        row = f"{name}[{_shown(key)}]"
        if isinstance(value, frozenset):
            for item in table:
                change = "without" if item in value else "with"
                yield f"{row} {change} {item}", partial(table.__setitem__, key, value ^ {item})
            continue
        yield f"{row} left out", partial(table.pop, key)
        if other := next((other for other in table.values() if other != value), None):
            yield f"{row} as {_shown(other)}", partial(table.__setitem__, key, other)


def _is_read(name: str, table: object) -> bool:
    values = [value for module in _ours() for value in vars(module).values()]
    values += [
        method for value in values if inspect.isclass(value) for method in vars(value).values()
    ]
    functions = [inspect.unwrap(value) for value in values if inspect.isfunction(value)]
    return any(
        name in _names_in(function.__code__)
        for function in functions
        if function.__globals__.get(name) is table
    )


def _names_in(code: CodeType) -> set[str]:
    """Also in what is defined inside: in comprehensions, for one."""
    inner = [_names_in(constant) for constant in code.co_consts if inspect.iscode(constant)]
    return set(code.co_names).union(*inner)


def _exchange(table: object, other: object) -> None:
    """In every module of ours that has the table under any name."""
    for module in _ours():
        for name in [name for name, value in vars(module).items() if value is table]:
            setattr(module, name, other)


def _ours() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("payments.")]


def _start(session: pytest.Session, change: Callable[[], object]) -> int:
    if process := os.fork():
        return process
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    change()
    session.config.option.maxfail = 1
    try:
        run_tests(session)
    finally:
        os._exit(session.testsfailed)


def _is_meaning(value: tuple[object, ...]) -> bool:
    return bool(value) and isinstance(value[0], Outcome)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(str(part) for part in value if part)
    return str(getattr(value, "__name__", value))


if __name__ == "__main__":
    main()
