"""Files that survive a power cut: written whole beside the old one, then put in its place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_file(path: Path, content: bytes) -> None:
    """Replace the file durably. Only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f"{path.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.fchmod(handle, 0o600)
        with open(handle, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(beside, path)
    _sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    write_file(path, json.dumps(value, separators=(",", ":")).encode())


def read_json(path: Path) -> Any:
    """What was written last; None if nothing was."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def append_line(path: Path, value: Any) -> None:
    """Add a line of JSON durably."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps(value, separators=(",", ":")).encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def read_lines(path: Path) -> list[Any]:
    """The lines that were added; one that a power cut left unfinished, and what follows it, is not read."""
    lines: list[Any] = []
    try:
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            lines.append(json.loads(line))
    except FileNotFoundError:
        return []
    return lines


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
