"""Takes a provider's statement file, and reads it: in batches, safe to stop at any and to repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, cast

from celery import current_app
from django.core.files import File
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common.queue import hurry, hurry_on_commit
from common.transactions import retried
from payments.models import FaultyRow, StatementFile, StatementProfile
from payments.services.by_turns import Halves, by_turns
from payments.services.keep_lines import (
    Checked,
    Inserted,
    Kept,
    as_text,
    insert_lines,
    keep_faults,
    keep_lines,
)
from payments.services.read_ahead import ahead
from payments.services.statement_profiles import latest_profiles, mapping_of
from payments.statements.balance import Chain, Followed
from payments.statements.dates import moment
from payments.statements.lines import Fault, read_lines
from payments.statements.refusal import StatementRefused
from payments.statements.survey import Layout, survey
from payments.statements.tables import open_table, refuse_by_size

BATCH = 5_000  # three are in memory: stored, begun and read
LEASE = timedelta(minutes=2)  # a task that has stored no batch for so long is dead
HURRY_LEASE = timedelta(seconds=15)  # a message that was not heard for so long is lost
TRIES_MOST = 5
MATCHER = "payments.tasks.match_statement_lines"
State = StatementFile.State


class TakenOver(Exception):
    """Another task reads the file now."""


class Batch(NamedTuple):
    """Rows that are stored together. `text` are the lines as the database loads them, where it does."""

    lines: list[Checked]
    faults: list[Fault]
    text: str


@dataclass(slots=True)
class Progress:
    """What a task knows of the file it reads. `met`: lines of other files that it repeats, by id.

    `are_ours`: whether most of its lines can be expected to match by their receipts, as those before.
    """

    file: StatementFile
    met: set[int] = field(default_factory=set)
    are_ours: bool = True
    begins_at: str = ""
    ends_at: str = ""

    def widen(self, times: Iterable[str]) -> None:
        """The period that the file tells of; times sort as text."""
        for time in times:
            if time > self.ends_at:
                self.ends_at = time
            if time < self.begins_at or not self.begins_at:
                self.begins_at = time


def take_file(
    *,
    content: File[bytes],
    name: str,
    provider: str,
    account: str,
    by: User | None,
    profile: StatementProfile | None = None,
    dates: str = "",
) -> tuple[StatementFile, bool]:
    """Keep a file and queue its reading; False with the file that has the same content already.

    One that was refused is read again, by what is chosen now or by a profile made meanwhile: that is
    True. `dates` is the order of day, month and year where the file cannot tell. Raises
    StatementRefused for a file that is too large or empty; all else is found out when it is read.
    """
    refuse_by_size(content.size)
    told = sha256()
    for chunk in content.chunks():
        told.update(chunk)
    of_account = StatementFile.objects.filter(provider=provider, account=account)
    if known := of_account.filter(sha256=told.hexdigest()).first():
        is_refused = known.state == State.REFUSED
        return known, is_refused and read_again(file=known, profile=profile, dates=dates)
    file = StatementFile(
        provider=provider,
        account=account,
        name=name[-150:],
        sha256=told.hexdigest(),
        profile=profile,
        dates=dates,
        uploaded_by=by,
    )
    content.seek(0)
    file.content.save(f"{provider}-{told.hexdigest()[:16]}", content, save=False)
    try:
        _create(file)
    except IntegrityError:  # the same file, uploaded twice at once
        file.content.delete(save=False)
        return of_account.get(sha256=told.hexdigest()), False
    return file, True


@retried
def _create(file: StatementFile) -> None:
    from payments.tasks import read_statement

    file.save(force_insert=True)
    hurry_on_commit(read_statement, file.pk)


def read_again(
    *, file: StatementFile, profile: StatementProfile | None = None, dates: str = ""
) -> bool:
    """Queue a file once more, by that profile or by its header. False while a task reads it."""
    from payments.tasks import read_statement

    now = timezone.now()
    idle = ~Q(state=State.READING) | Q(touched_at__lt=now - LEASE)
    if not StatementFile.objects.filter(idle, pk=file.pk).update(
        state=State.WAITING, profile=profile, dates=dates, why="", tries=0, touched_at=now
    ):
        return False
    hurry(read_statement, file.pk)
    return True


def sweep_statements() -> int:
    """Queue the files that wait, and those whose task has died. Returns how many."""
    from payments.tasks import read_statement

    now = timezone.now()
    lost = Q(state=State.WAITING, touched_at__lt=now - HURRY_LEASE) | Q(
        state=State.READING, touched_at__lt=now - LEASE
    )
    ids = list(StatementFile.objects.filter(lost).values_list("pk", flat=True)[:20])
    for file_id in ids:
        hurry(read_statement, file_id)
    return len(ids)


def read_statement(*, file_id: int) -> None:
    """Read a file from its beginning; the lines that an earlier try has stored are known by now."""
    file = _claim(file_id)
    if file is None:
        return
    if file.tries > TRIES_MOST:
        _refuse(file, "Its reading has ended in an error of ours, again and again: tell support.")
        return
    try:
        with file.content.open("rb") as content:
            _read(file, cast(BinaryIO, content.file))
    except StatementRefused as refusal:
        _refuse(file, str(refusal))
    except TakenOver:
        return


@retried
def _claim(file_id: int) -> StatementFile | None:
    now = timezone.now()
    free = Q(state=State.WAITING) | Q(state=State.READING, touched_at__lt=now - LEASE)
    if not StatementFile.objects.filter(free, pk=file_id).update(
        state=State.READING,
        touched_at=now,
        tries=F("tries") + 1,
        rows=0,
        rows_new=0,
        rows_changed=0,
        rows_known=0,
        rows_faulty=0,
    ):
        return None
    FaultyRow.objects.filter(file_id=file_id).delete()
    return StatementFile.objects.select_related("profile").get(pk=file_id)


def _read(file: StatementFile, content: BinaryIO) -> None:
    table = open_table(content)
    layout = _surveyed(file, table)
    chain, progress = Chain(), Progress(file)
    followed = chain.follow(read_lines(table, layout))
    is_loaded = connection.vendor == "mysql"
    with closing(ahead(_batches(followed, is_loaded=is_loaded))) as batches:
        _store_all(progress, batches)
    _finish(progress, chain)
    _tell_the_matcher()


def _batches(followed: Iterator[Followed], *, is_loaded: bool) -> Iterator[Batch]:
    while rows := list(islice(followed, BATCH)):
        lines: list[Checked] = []
        faults: list[Fault] = []
        for row, breaks in rows:
            if isinstance(row, Fault):
                faults.append(row)
            else:
                lines.append((row, breaks))
        yield Batch(lines, faults, as_text(lines) if is_loaded else "")


def _surveyed(file: StatementFile, table: Any) -> Layout:
    """Look at the whole file, and keep what it is read by. Raises StatementRefused."""
    profiles = [file.profile] if file.profile else latest_profiles(file.provider)
    mappings = {profile.pk: mapping_of(profile) for profile in profiles}
    layout = survey(table, mappings, account=file.account, dates=file.dates)
    file.touched_at = _touch(
        file, profile_id=layout.profile, dates=layout.dates, rows_below_header=layout.rows
    )
    return layout


def _store_all(progress: Progress, batches: Iterator[Batch]) -> None:
    """Each batch in one transaction, with the progress that the page shows."""
    if connection.vendor == "mysql":
        by_turns(batches, partial(_store_by_halves, progress), partial(_store_whole, progress))
    else:
        for batch in batches:
            _store_whole(progress, batch)


def _store_whole(progress: Progress, batch: Batch) -> None:
    _learn(progress, batch, *_store(progress, batch))


@retried
def _store(progress: Progress, batch: Batch) -> tuple[Kept, datetime]:
    return _complete(progress, batch, _insert(progress, batch))


def _store_by_halves(progress: Progress, batch: Batch) -> Halves:
    """The first half inserts the lines; the second needs all that the batches before have stored.

    What a batch finds out of `are_ours` is known so to the one after the next.
    """
    with transaction.atomic():
        inserted = _insert(progress, batch, is_beforehand=True)
        yield
        done = _complete(progress, batch, inserted)
    _learn(progress, batch, *done)


def _insert(progress: Progress, batch: Batch, *, is_beforehand: bool = False) -> Inserted:
    return insert_lines(
        progress.file,
        batch.lines,
        are_ours=progress.are_ours,
        text=batch.text,
        is_beforehand=is_beforehand,
    )


def _complete(progress: Progress, batch: Batch, inserted: Inserted) -> tuple[Kept, datetime]:
    """Whatever is to be done of a batch in the transaction that has inserted its lines."""
    file, (lines, faults, _) = progress.file, batch
    kept = keep_lines(file, inserted, progress.met)
    keep_faults(file, [*faults, *kept.faults])
    touched_at = _touch(
        file,
        rows=F("rows") + len(lines) + len(faults),
        rows_new=F("rows_new") + kept.new,
        rows_changed=F("rows_changed") + kept.changed,
        rows_known=F("rows_known") + kept.known,
        rows_faulty=F("rows_faulty") + len(faults) + len(kept.faults),
    )
    return kept, touched_at


def _learn(progress: Progress, batch: Batch, kept: Kept, touched_at: datetime) -> None:
    """What a batch that is stored tells the next ones."""
    progress.file.touched_at = touched_at
    progress.met |= kept.met
    if kept.tried:
        progress.are_ours = kept.matched > kept.tried / 2
    progress.widen(line.completed_at for line, _ in batch.lines)


def _touch(file: StatementFile, **values: Any) -> datetime:
    """Say that this task is alive. Raises TakenOver, which undoes the open transaction."""
    now = timezone.now()
    mine = StatementFile.objects.filter(pk=file.pk, state=State.READING, touched_at=file.touched_at)
    if not mine.update(touched_at=now, **values):
        raise TakenOver
    return now


@retried
def _finish(progress: Progress, chain: Chain) -> None:
    file = progress.file
    _touch(
        file,
        state=State.READ,
        why="",
        begins_at=moment(progress.begins_at) if progress.begins_at else None,
        ends_at=moment(progress.ends_at) if progress.ends_at else None,
        opening_balance=chain.opening,
        closing_balance=chain.closing,
        balance_breaks=chain.breaks,
        finished_at=timezone.now(),
    )
    _case(
        file,
        CaseKind.BALANCE_BREAK,
        chain.breaks,
        f"{file.name}: lines whose balance does not follow: {chain.breaks:,}.",
    )
    faulty = FaultyRow.objects.filter(file=file).count()
    _case(
        file,
        CaseKind.STATEMENT_FAULT,
        faulty,
        f"{file.name}: rows that could not be read: {faulty:,}.",
    )


def _case(file: StatementFile, kind: CaseKind, rows: int, detail: str) -> None:
    """One for a file, whatever the number of its rows; closed when a later reading has none."""
    subject = f"statement:{file.pk}"
    if rows:
        open_case(kind=kind, subject=subject, detail=detail)
    else:
        resolve_by_itself(kind=kind, subject=subject, resolution="The file reads without them now.")


def _refuse(file: StatementFile, why: str) -> None:
    StatementFile.objects.filter(
        pk=file.pk, state=State.READING, touched_at=file.touched_at
    ).update(state=State.REFUSED, why=why[:255], finished_at=timezone.now())


def _tell_the_matcher() -> None:
    task = current_app.tasks.get(MATCHER)
    if task is not None:
        hurry(task)
