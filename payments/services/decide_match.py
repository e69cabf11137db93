"""What staff decide of a line: whose money it is, or that a match was wrong. Each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError

from accounts.models import User
from cases.models import Case
from cases.services import resolve_case
from common.clock import business_day
from common.transactions import retried
from payments.days.calendar import is_closed
from payments.errors import NotDecidable
from payments.models import (
    Bucket,
    Match,
    MatchingRules,
    MobileMoneyTransaction,
    PaymentEvent,
    StatementLine,
    Transfer,
    TransferRules,
)
from payments.providers.base import Answer, Outcome
from payments.services.day_lock import lock_days
from payments.services.match.exceptions import DECIDED, LINE
from payments.services.match.run import look_again
from payments.services.settle import settle
from payments.states import State, TransferState

Kind = StatementLine.Kind
STANDS = "Somebody else has decided about this line or this payment meanwhile."
MOVES_MONEY = (Kind.COLLECTION, Kind.DISBURSEMENT, Kind.REVERSAL, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class Target:
    """What a line is said to be of: one of the two."""

    attempt: MobileMoneyTransaction | None = None
    transfer: Transfer | None = None

    @property
    def amount(self) -> int:
        """TZS that moved, or was to."""
        if self.transfer is not None:
            return self.transfer.amount
        payment = self.attempt.payment if self.attempt else None
        if payment is None:
            return 0
        return payment.asked_amount if payment.paid_amount is None else payment.paid_amount

    @property
    def is_done(self) -> bool:
        if self.transfer is not None:
            return self.transfer.state == TransferState.SUCCEEDED
        return self.attempt is not None and self.attempt.status == State.COMPLETED


def target_named(reference: str) -> Target:
    """The attempt or transfer with this reference of ours. Raises NotDecidable."""
    ours = reference.strip().upper()
    attempt = (
        MobileMoneyTransaction.objects.select_related("payment").filter(reference=ours).first()
    )
    transfer = Transfer.objects.filter(reference=ours).first()
    if attempt is None and transfer is None:
        raise NotDecidable("No payment and no transfer of ours has this reference.")
    return Target(attempt, None if attempt else transfer)


def confirm_match(*, match_id: int, by: User, why: str) -> Match:
    """Make a suggestion a match; of one receipt for several orders (R7), all of them.

    A payment that we do not hold as paid is settled by it. Raises NotDecidable, also for whoever
    has suggested it by hand.
    """
    match = Match.objects.select_related("line", "attempt__payment", "transfer").get(pk=match_id)
    if not match.is_live or match.state != Match.State.SUGGESTED:
        raise NotDecidable("This suggestion does not wait for a decision any more.")
    if match.by_id == by.pk:
        raise NotDecidable("Somebody else has to confirm: you have suggested this match.")
    target = Target(match.attempt, match.transfer)
    if match.attempt is not None and match.rule != Match.Rule.R7 and not target.is_done:
        _settle(match.line, match.attempt, by, why)
    return _once(_confirm, match, by, why)


def match_by_hand(*, line_id: int, reference: str, by: User, why: str) -> Match:
    """Match a line with an attempt or a transfer that has happened by our books too.

    Above the limit of four eyes it is a suggestion that somebody else confirms. Raises NotDecidable
    where direction, state or amount contradict: nothing is adjusted.
    """
    line, target = StatementLine.objects.get(pk=line_id), target_named(reference)
    if not target.is_done:
        raise NotDecidable("We do not hold it as done: accept the statement's word for it instead.")
    _refuse_contradiction(line, target)
    short = target.amount - abs(line.amount)
    if not 0 <= short <= MatchingRules.current().suggest_under:
        raise NotDecidable(
            f"The line is of {abs(line.amount):,} TZS, what you name of {target.amount:,}."
        )
    return _once(_propose, line, target, by, why)


def accept_success(*, line_id: int, reference: str, by: User, why: str) -> Match:
    """Take the statement's word that a payment we hold as failed, expired or open was paid.

    It is settled as by any other news: what was bought is served, or the money becomes credit. Above
    the limit of four eyes it waits for somebody else. Raises NotDecidable.
    """
    line, target = StatementLine.objects.get(pk=line_id), target_named(reference)
    if target.attempt is None:
        raise NotDecidable("Transfers are resolved on their own page.")
    if target.is_done:
        raise NotDecidable("We hold it as paid: match the line with it instead.")
    _refuse_contradiction(line, target)
    if not _needs_a_second(line):
        _settle(line, target.attempt, by, why)
    return _once(_propose, line, target, by, why)


def undo_match(*, match_id: int, by: User, why: str) -> StatementLine:
    """Take a match or a suggestion back by a contra; the rules make that pair no more.

    The fees that followed the line go with it. Raises NotDecidable for one that stands no more,
    and for one of a closed business day.
    """
    line = _undo(match_id, by, why)
    look_again(line.pk)
    line.refresh_from_db()
    return line


def _refuse_contradiction(line: StatementLine, target: Target) -> None:
    if line.bucket == Bucket.MATCHED:
        raise NotDecidable("This line is matched: undo that first.")
    if not line.moves_money or line.currency != "TZS" or line.kind not in MOVES_MONEY:
        raise NotDecidable("This line moved no shillings that an order could be paid by.")
    if (target.attempt or target.transfer).provider != line.provider:  # type: ignore[union-attr]  # one is set
        raise NotDecidable("It went by another provider.")
    is_of_transfer = line.amount < 0 and not _is_taken_back(line, target)
    if is_of_transfer != (target.transfer is not None):
        raise NotDecidable("The line's money went the other way.")


def _is_taken_back(line: StatementLine, target: Target) -> bool:
    """Whether the line is the provider's own reversal of the attempt."""
    attempt = target.attempt
    is_reversal = line.kind == Kind.REVERSAL and attempt is not None
    return is_reversal and attempt is not None and attempt.payment.reversed_at is not None


def _needs_a_second(line: StatementLine) -> bool:
    return abs(line.amount) > TransferRules.current().four_eyes_above


def _settle(line: StatementLine, attempt: MobileMoneyTransaction, by: User, why: str) -> None:
    """The line is the evidence, and who decided that it is."""
    settle(
        attempt_id=attempt.pk,
        answer=Answer(
            outcome=Outcome.SUCCEEDED,
            code="statement",
            receipt=line.receipt,
            amount=line.amount,
            currency=line.currency,
        ),
        source=PaymentEvent.Source.STATEMENT,
        evidence=f"line {line.pk} of {line.file.name}, accepted by {by}: {why}",
    )
    attempt.refresh_from_db()
    if attempt.status != State.COMPLETED:
        raise NotDecidable("It could not be settled: see the cases of this payment.")


def _once(decide: object, *arguments: object) -> Match:
    """The database lets one match stand for a line and for a payment: who comes second is told."""
    try:
        made: Match = decide(*arguments)  # type: ignore[operator]  # one of the two below
    except IntegrityError as error:
        raise NotDecidable(STANDS) from error
    return made


@retried
def _confirm(match: Match, by: User, why: str) -> Match:
    line = StatementLine.objects.select_for_update().get(pk=match.line_id)
    suggestions = Match.objects.filter(
        line=line, is_live=True, state=Match.State.SUGGESTED, rule=match.rule
    )
    chosen = suggestions if match.rule == Match.Rule.R7 else suggestions.filter(pk=match.pk)
    made = [_confirmed(each, by, why) for each in list(chosen)]
    if not made:
        raise NotDecidable(STANDS)
    finish(line, Bucket.MATCHED, by, why)
    return made[0]


def _confirmed(suggestion: Match, by: User, why: str) -> Match:
    Match.objects.filter(pk=suggestion.pk).update(is_live=False)
    return Match.objects.create(
        line_id=suggestion.line_id,
        attempt_id=suggestion.attempt_id,
        transfer_id=suggestion.transfer_id,
        rule=suggestion.rule,
        state=Match.State.CONFIRMED,
        why=why,
        by=by,
        contra_of=suggestion,
    )


@retried
def _propose(line: StatementLine, target: Target, by: User, why: str) -> Match:
    """A match, or above the limit the suggestion of one; the rules' own suggestions are over."""
    line = StatementLine.objects.select_for_update().get(pk=line.pk)
    if line.bucket == Bucket.MATCHED:
        raise NotDecidable(STANDS)
    for other in Match.objects.filter(line=line, is_live=True):
        _contra(other, by, f"another was chosen: {why}", refuses=False)
    waits = _needs_a_second(line)
    match = Match.objects.create(
        line=line,
        attempt=target.attempt,
        transfer=target.transfer,
        rule=Match.Rule.R8 if line.kind == Kind.REVERSAL else Match.Rule.STAFF,
        state=Match.State.SUGGESTED if waits else Match.State.CONFIRMED,
        why=why[:255],
        by=by,
    )
    finish(line, Bucket.SUGGESTED if waits else Bucket.MATCHED, by, why)
    return match


@retried
def _undo(match_id: int, by: User, why: str) -> StatementLine:
    lock_days(Match.objects.values_list("line__provider", flat=True).get(pk=match_id))
    match = Match.objects.select_for_update().get(pk=match_id)
    if not match.is_live:
        raise NotDecidable("This match was undone already.")
    line = StatementLine.objects.select_for_update().get(pk=match.line_id)
    if is_closed(line.provider, business_day(line.completed_at), line.account):
        raise NotDecidable("The line's business day is closed: have it opened again first.")
    undone = list(Match.objects.filter(line=line, is_live=True, rule=match.rule))
    fees = Match.objects.filter(
        is_live=True,
        rule=Match.Rule.R9,
        line__provider=line.provider,
        line__account=line.account,
        line__receipt=line.receipt,
    ).exclude(line=line)
    for fee in fees:
        _contra(fee, by, f"its line's match was undone: {why}", refuses=False)
        StatementLine.objects.filter(pk=fee.line_id).update(bucket=Bucket.FEE_DIFFERENCE)
    for each in undone:
        _contra(each, by, why)
    finish(line, Bucket.NEW, by, why)
    return line


def _contra(match: Match, by: User, why: str, *, refuses: bool = True) -> None:
    """`refuses` where staff say that the pair is wrong: the rules do not make it again."""
    Match.objects.filter(pk=match.pk).update(is_live=False)
    Match.objects.create(
        line_id=match.line_id,
        attempt_id=match.attempt_id,
        transfer_id=match.transfer_id,
        posting_id=match.posting_id,
        rule=match.rule,
        state=Match.State.UNDONE,
        why=why[:255],
        by=by if refuses else None,
        is_live=False,
        contra_of=match,
    )


def finish(line: StatementLine, bucket: Bucket, by: User, why: str) -> None:
    """The line's bucket, and the end of the cases that asked about it."""
    StatementLine.objects.filter(pk=line.pk).update(bucket=bucket)
    line.candidates.all().delete()
    for case in Case.objects.filter(subject=f"{LINE}{line.pk}", state=Case.State.OPEN):
        resolve_case(case=case, resolution=f"{DECIDED}{why}", owner_id=by.pk)
