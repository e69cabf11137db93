"""The commands that production runs, for processes that are to run them with a difference."""

from __future__ import annotations

from tests.programs import ROOT


def procfile_command(name: str) -> str:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    start = f"{name}: "
    return next(line for line in lines if line.startswith(start)).removeprefix(start)
