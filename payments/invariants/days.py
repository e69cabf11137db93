"""What must hold of closed days: certificates are a chain, and each says of itself what it is."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q

from common.invariants import Invariant, Offender, offenders
from payments.days.hashes import hash_of, lines_hash_of
from payments.days.tills import till_of
from payments.models import Certificate, DayClose, Posting

DAY = "day:{provider}:{kind}:{day}"


def _broken_chain() -> Iterator[Offender]:
    """Read in their order, each is compared with its own hash and the one before it."""
    before: dict[tuple[str, str], str] = {}
    rows = Certificate.objects.select_related("day_close").order_by("pk")
    for certificate in rows.iterator(chunk_size=100):
        row = certificate.day_close
        till = (row.provider, row.kind)
        if certificate.previous_hash != before.get(till, ""):
            yield Offender(row.subject, f"{certificate}: does not follow the one before it")
        if certificate.hash != hash_of(certificate):
            yield Offender(row.subject, f"{certificate}: was changed")
        before[till] = certificate.hash


def _closed_without() -> Iterator[Offender]:
    certified = Certificate.objects.filter(day_close=OuterRef("pk"))
    rows = DayClose.objects.filter(~Exists(certified), state=DayClose.State.CLOSED)
    return offenders(
        rows.order_by("pk").values("provider", "kind", "day"),
        subject=DAY,
        trouble="closed without a certificate",
    )


def _valued_later() -> Iterator[Offender]:
    """Only what closing books counts for a day before the one on which it is posted."""
    by_closing = Q(source__startswith="fees:") | Q(source__startswith="bank:")
    rows = Posting.objects.filter(~by_closing, value_at__isnull=False)
    return offenders(
        rows.order_by("pk").values("source", "value_at"),
        subject="posting:{source}",
        trouble="counts for {value_at}, which closing a day has not done",
    )


def _other_lines() -> Iterator[Offender]:
    """One that is marked as changed has its case already; what a hash alone tells has nobody seen."""
    rows = DayClose.objects.filter(state=DayClose.State.CLOSED, changed_at=None)
    for row in rows.order_by("pk").iterator(chunk_size=100):
        certificate = row.certificates.first()
        try:
            till = till_of(row.provider, row.kind)
        except LookupError:
            continue  # an account that the settings do not know any more
        if certificate and certificate.lines_hash != lines_hash_of(till, row.day):
            yield Offender(row.subject, f"{certificate}: has other lines now")


INVARIANTS = (
    Invariant("D-01", "Certificates are a chain that nobody has changed", _broken_chain),
    Invariant("D-02", "A closed day has its certificate", _closed_without),
    Invariant("D-03", "Only closing a day books for days before", _valued_later),
    Invariant("D-04", "A closed day has the lines that were certified", _other_lines),
)
