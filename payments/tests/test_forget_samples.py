"""A sample that is left behind in the wizard is gone after a day."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from payments.services import forget_samples
from payments.services.forget_samples import SAMPLES, forget_old_samples


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileSystemStorage:
    """A folder, as in production."""
    storage = FileSystemStorage(location=tmp_path)
    monkeypatch.setattr(forget_samples, "default_storage", storage)
    return storage


def a_file(storage: FileSystemStorage, path: str, *, age: timedelta = timedelta(0)) -> str:
    path = storage.save(path, ContentFile(b"Receipt No."))
    written = (timezone.now() - age).timestamp()
    os.utime(storage.path(path), (written, written))
    return path


def test_nothing_to_forget_is_no_error() -> None:
    assert forget_old_samples() == 0


def test_a_sample_is_kept_for_a_day_and_statements_for_good(storage: FileSystemStorage) -> None:
    old = a_file(storage, f"{SAMPLES}/old", age=timedelta(days=1, minutes=1))
    young = a_file(storage, f"{SAMPLES}/young", age=timedelta(hours=23))
    statement = a_file(storage, "statements/x", age=timedelta(days=400))
    assert (forget_old_samples(), forget_old_samples()) == (1, 0)
    assert [storage.exists(path) for path in (old, young, statement)] == [False, True, True]


def test_one_that_its_wizard_deletes_at_the_same_moment_is_no_error(
    storage: FileSystemStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "listdir", lambda folder: ([], ["gone"]))
    assert forget_old_samples() == 0
