"""`.env.example` is the one list of variables: complete, and nothing in it is idle."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from django.conf import settings

from konektika.environment import Environment

ROOT = Path(settings.BASE_DIR)
BINDING = Path(__file__).with_name("binding_variables.txt")
# Read by the simulator and by the demo, not by the settings.
READ_ELSEWHERE = {"SIMULATOR_PORT", "DEMO_PASSWORD"}


@pytest.fixture(scope="module")
def example() -> str:
    return (ROOT / ".env.example").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def described(example: str) -> set[str]:
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The variables that the settings ask for."""
    asked: set[str] = set()

    def text(self: Environment, name: str, default: str = "") -> str:
        asked.add(name)
        return default

    monkeypatch.setattr(Environment, "text", text)
    runpy.run_path(str(ROOT / "konektika" / "settings.py"))
    return asked


def test_every_variable_that_is_read_is_described(read: set[str], described: set[str]) -> None:
    assert read - described == set()


def test_every_variable_that_is_agreed_is_described(described: set[str]) -> None:
    assert set(BINDING.read_text(encoding="utf-8").split()) - described == set()


def test_no_variable_in_force_is_idle(example: str, read: set[str]) -> None:
    in_force = set(re.findall(r"^([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    assert in_force - read - READ_ELSEWHERE == set()


def test_every_variable_has_a_comment_above_its_block(example: str) -> None:
    for block in example.split("\n\n"):
        assert block.startswith("#"), block.splitlines()[0]
