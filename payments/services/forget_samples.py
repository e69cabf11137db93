"""Samples of statements that nobody made a profile of name people, and lie where nothing lists them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

SAMPLES = "statement-samples"
KEPT = timedelta(days=1)  # who left the wizard yesterday begins it anew: a sample is soon uploaded


def forget_old_samples() -> int:
    """Delete the samples that are old enough. Returns how many; safe to repeat and to race."""
    old = timezone.now() - KEPT
    names: list[str] = []
    with suppress(FileNotFoundError):  # nobody has uploaded one yet
        _, names = default_storage.listdir(SAMPLES)
    return sum(_forget_if_older(f"{SAMPLES}/{name}", old) for name in names)


def _forget_if_older(path: str, old: datetime) -> bool:
    with suppress(FileNotFoundError):  # its wizard has just ended
        if default_storage.get_modified_time(path) < old:
            default_storage.delete(path)
            return True
    return False
