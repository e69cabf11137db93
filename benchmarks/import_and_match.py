"""`python -m benchmarks.import_and_match FILE`: what a worker does with it; tells seconds and memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import django


def main(path: Path) -> None:
    """Take, read and match a statement at DATABASE_URL, whose schema has been migrated."""
    django.setup()
    from django.test.utils import override_settings

    from konektika.celery import app, spare_what_is_loaded

    spare_what_is_loaded()
    app.set_current()
    app.conf.update(CELERY_BROKER_URL="memory://localhost/")
    on_disk = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    with TemporaryDirectory() as folder, override_settings(STORAGES=on_disk, MEDIA_ROOT=folder):
        began = perf_counter()
        _import(path)
        imported = perf_counter()
        _match()
        matched = perf_counter()
    print(json.dumps({"import": imported - began, "match": matched - imported, "memory": _peak()}))


def _import(path: Path) -> None:
    from django.core.files import File

    from benchmarks.collected import PROVIDER
    from payments.services.import_statement import read_statement, take_file
    from payments.tests.statement_files import TILL

    with path.open("rb") as content:
        file, _ = take_file(
            content=File(content), name=path.name, provider=PROVIDER, account=TILL, by=None
        )
    read_statement(file_id=file.pk)


def _match() -> None:
    from payments.services.match.run import match_statements

    match_statements()


def _peak() -> int:
    """Bytes that this process has had resident at most; its ru_maxrss counts its parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
