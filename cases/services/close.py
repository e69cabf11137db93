"""Resolving a case, alone or by four eyes, and opening it again."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.errors import CaseClosed, NothingProposed, OwnProposal
from cases.models import Case, CaseEvent, CaseRules
from cases.services.change import change, check_workable, locked
from common.transactions import retried

FREE = {"owner_id": None, "claimed_until": None}
PROPOSED = {"proposed_by_id": None, "proposal": ""}


@retried
def resolve(*, case_id: int, why: str, by_id: int) -> Case:
    """Close it for a reason; above the limit that only proposes it to a second person.

    Raises CaseClosed, CaseTaken or NeedsSecondPerson.
    """
    case = locked(case_id)
    check_workable(case, by_id=by_id, now=timezone.now())
    if case.amount > CaseRules.current().four_eyes_above:
        proposal = {**FREE, "proposed_by_id": by_id, "proposal": why, "snoozed_until": None}
        change([case], verb=CaseEvent.Verb.PROPOSED, by_id=by_id, why=why, columns=proposal)
    else:
        _close(case, why, by_id)
    return case


@retried
def confirm_resolution(*, case_id: int, why: str, by_id: int) -> Case:
    """Close it as another person proposed. Raises CaseClosed, NothingProposed or OwnProposal."""
    case = _proposed(case_id)
    if case.proposed_by_id == by_id:
        raise OwnProposal("Somebody else has to confirm what you have proposed.")
    _close(case, case.proposal, by_id, f"Confirmed: {case.proposal} {why}")
    return case


@retried
def refuse_resolution(*, case_id: int, why: str, by_id: int) -> Case:
    """Put it back into the queue; who proposed may take it back too.

    Raises CaseClosed or NothingProposed.
    """
    case = _proposed(case_id)
    change([case], verb=CaseEvent.Verb.REFUSED, by_id=by_id, why=why, columns=PROPOSED)
    return case


@retried
def reopen(*, case_id: int, why: str, by_id: int) -> Case:
    """Ask again what was resolved. Raises CaseClosed when the question is open in another case."""
    case = locked(case_id)
    if case.state == Case.State.OPEN:
        raise CaseClosed("This case is open.")
    columns = {**FREE, **PROPOSED, "state": Case.State.OPEN, "resolved_at": None, "resolution": ""}
    try:
        with transaction.atomic():  # a savepoint: the constraint's answer must not spoil the rest
            change([case], verb=CaseEvent.Verb.REOPENED, by_id=by_id, why=why, columns=columns)
    except IntegrityError as error:
        raise CaseClosed("The same question is open in another case by now.") from error
    return case


def _proposed(case_id: int) -> Case:
    case = locked(case_id)
    if case.state != Case.State.OPEN:
        raise CaseClosed("This case is resolved already.")
    if not case.proposal:
        raise NothingProposed("Nobody has proposed how to resolve this case.")
    return case


def _close(case: Case, resolution: str, by_id: int, why: str = "") -> None:
    change(
        [case],
        verb=CaseEvent.Verb.RESOLVED,
        by_id=by_id,
        why=why or resolution,
        columns={
            "state": Case.State.RESOLVED,
            "resolution": resolution,
            "resolved_at": timezone.now(),
            "owner_id": case.proposed_by_id or by_id,
            "claimed_until": None,
            "snoozed_until": None,
        },
    )
