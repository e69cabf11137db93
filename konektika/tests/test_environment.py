"""What is missing or malformed is told in a sentence, all at once, and never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from konektika.environment import Environment

ROOT = Path(__file__).resolve().parents[2]


def problems(environment: Environment) -> list[tuple[str, str]]:
    return [(problem.id, problem.name) for problem in environment.problems]


def test_a_missing_secret_is_told_and_start_up_goes_on() -> None:
    environment = Environment({})
    assert environment.required("SECRET_KEY", "placeholder", "Set it.") == "placeholder"
    assert problems(environment) == [("E001", "SECRET_KEY")]


@pytest.mark.parametrize(
    ("method", "value", "arguments"),
    [
        ("boolean", "yes", (False,)),
        ("integer", "ten", (1,)),
        ("integer", "-1", (1,)),
        ("choice", "c", ("a", ("a", "b"))),
        ("url", "pay.example.com", ()),
        ("url", "ftp://pay.example.com", ()),
        ("networks", "300.1.1.1", ()),
        ("pairs", "no-colon", ()),
        ("database", "nonsense", ("sqlite://:memory:",)),
    ],
)
def test_a_malformed_variable_is_told(method: str, value: str, arguments: Any) -> None:
    environment = Environment({"NAME": value})
    getattr(environment, method)("NAME", *arguments)
    assert problems(environment) == [("E002", "NAME")]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n", encoding="utf-8")
    environment = Environment({"KEY_FILE": str(tmp_path / "key"), "LOST_FILE": "/nowhere"})
    assert environment.text("KEY") == "from the file"
    assert environment.text("LOST", "default") == "default"
    assert problems(environment) == [("E002", "LOST_FILE")]


def test_lists_pairs_and_urls_are_read() -> None:
    environment = Environment(
        {"HOSTS": "a, b,", "TOKENS": "tigo_pesa:x,mpesa_daraja:y", "URL": "https://a.example/"}
    )
    assert environment.items("HOSTS") == ["a", "b"]
    assert environment.pairs("TOKENS") == {"x": "tigo_pesa", "y": "mpesa_daraja"}
    assert environment.url("URL") == "https://a.example"
    assert environment.problems == []


def test_a_misconfigured_server_stops_with_sentences() -> None:
    variables = {"DOTENV": "", "DEBUG": "perhaps", "VPN_ENDPOINT": "nowhere", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", "import konektika.wsgi"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for fact in (
        "SECRET_KEY is not set",
        "DEBUG is malformed",
        "FIELD_ENCRYPTION_KEYS",
        "vpn.E002",
    ):
        assert fact in done.stderr, done.stderr
