"""The alert rules, tried by Prometheus' own tool; and what they read and link to exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from backoffice import metrics
from conftest import missing

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "deploy/prometheus"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
# Told by what is not built yet.
TO_COME: set[str] = set()


def test_every_alert_fires_when_it_should() -> None:
    if not shutil.which("promtool"):
        missing("needs promtool (Debian: prometheus)")
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    page = (ROOT / rule["annotations"]["runbook"]).read_text(encoding="utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    for heading in ("## What it means", "## Look at", "## Do"):
        assert heading in page


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_reads_figures_that_are_told(rule: dict[str, str]) -> None:
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    for name in re.findall(r"konektika_\w+", rule["expr"]):
        stem = name.removesuffix("_oldest_seconds")
        assert name in TO_COME or f'"{name}"' in source or f'"{stem}"' in source, name


def test_every_alert_is_tried() -> None:
    tried = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")
    for rule in RULES:
        assert tried.count(f"alertname: {rule['alert']}\n") == 1
