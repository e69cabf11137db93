"""The short form of `make chaos`: each fault at least once while some dozens pay."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.programs import ROOT

pytestmark = [pytest.mark.mariadb, pytest.mark.redis]

PAYMENTS, PER_SECOND, SEED = 60, 4, 7


def test_all_breaks_and_our_books_equal_the_providers() -> None:
    """A process of its own: it has servers of its own, which it kills."""
    amounts = ["--payments", str(PAYMENTS), "--per-second", str(PER_SECOND), "--seed", str(SEED)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.run", *amounts],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    sys.stdout.write(done.stdout)
