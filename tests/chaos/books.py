"""What must hold at the end of a run: our books against the providers', and every row's own story."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, Sum

from bundles.models import Activation, Purchase
from cases.models import Case
from notifications.models import Message
from payments.models import (
    Bill,
    Disposition,
    Entry,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    ProviderCall,
    Transfer,
    WebhookDelivery,
)
from payments.states import LIVE, OPEN_TRANSFERS, State, TransferState
from tests.chaos.customers import OTHER_AMOUNTS
from tests.simulator import PROVIDERS, Simulator
from tests.system import System

Key = tuple[str, str, str]  # provider, kind of movement, our reference
WAYS = {"refund": "reversal"}  # what a statement calls what we know by one name
TOLD_AS_FAILED = ("success_then_failure", "failure_then_success", "pays_late")
BILL = "bill"  # paid by the provider's own menu; known by its receipt
UNHEARD = "our answer was lost, and the provider gave back what we had taken"
CANNOT_BE_ASKED, NAMES_NO_AMOUNT = "tigo_pesa", "vodacom_mpesa"
BILLER_CODE = "TIGO_PESA_BILLER_CODE"  # every reference that Tigo has of ours begins with it


@dataclass(slots=True)
class Verdict:
    """What was compared, what differs and is in somebody's hands, and what must not be."""

    violations: list[str] = field(default_factory=list)
    lines: int = 0
    moved: int = 0  # TZS, without regard to direction
    explained: Counter[str] = field(default_factory=Counter)
    explained_amount: Counter[str] = field(default_factory=Counter)
    explained_by: dict[str, str] = field(default_factory=dict)  # the words of one of them

    def explain(self, what: str, difference: int, words: str) -> None:
        """Count a difference (TZS) that is in somebody's hands."""
        self.explained[what] += 1
        self.explained_amount[what] += difference
        self.explained_by[what] = words


@dataclass(slots=True)
class Movement:
    """What one side knows under one key."""

    amount: int = 0  # TZS, towards us positive
    lines: int = 0
    receipts: set[str] = field(default_factory=set)


def judge(
    system: System, simulator: Simulator, scenarios: Mapping[str, str], returned: Set[str]
) -> Verdict:
    """Compare everything; the system must be quiet.

    `scenarios` are by our reference or a bill's receipt; the bills of `returned` (receipts) went back
    to the customer's phone.
    """
    verdict = Verdict()
    _compare_books(system, simulator, scenarios, returned, verdict)
    verdict.violations += _charged_twice(simulator)
    for rule in (
        _books_that_do_not_balance,
        _paid_and_not_ended,
        _served_unpaid,
        _asked_twice,
        _in_suspense_unnoticed,
        _without_next_step,
        _transfers_without_end,
    ):
        verdict.violations += rule(system)
    return verdict


def _compare_books(
    system: System,
    simulator: Simulator,
    scenarios: Mapping[str, str],
    returned: Set[str],
    verdict: Verdict,
) -> None:
    """Movement by movement, to the shilling. What differs must be in an open case.

    Nobody can open a case of what a provider has told in a lost call alone and cannot be asked for:
    only its statement tells. That is counted too, by its reason; nothing else is allowed to differ.
    """
    theirs = _statements(simulator, system.environment[BILLER_CODE])
    ours = _ledger(system)
    subjects = _Subjects(system)
    verdict.lines = sum(movement.lines for movement in theirs.values())
    verdict.moved = sum(abs(movement.amount) for movement in theirs.values())
    for key in sorted(theirs.keys() | ours.keys()):
        their, our = theirs.get(key, Movement()), ours.get(key, Movement())
        name = " ".join(key)
        if their.lines > 1:
            verdict.violations.append(f"{name}: {their.lines} times on the statement")
        if not their.lines and key[1] == BILL and key[2] in returned:
            verdict.explain(
                f"{BILL} only in our books, only the statement tells", -our.amount, UNHEARD
            )
            continue
        if not their.lines:
            verdict.violations.append(f"{name}: {our.amount} in our books, not on the statement")
            continue
        if our.receipts - their.receipts:
            verdict.violations.append(f"{name}: receipts {our.receipts}, theirs {their.receipts}")
        difference = their.amount - our.amount
        if not difference:
            continue
        trouble = "not in our books" if not our.lines else "another amount"
        if cases := subjects.open_cases(key):
            kinds = " + ".join(sorted({case.kind for case in cases}))
            details = " / ".join(case.detail for case in cases)
            verdict.explain(f"{key[1]} {trouble}, open case: {kinds}", difference, details)
        elif untold := _only_the_statement_tells(system, key, scenarios.get(key[2], "")):
            verdict.explain(f"{key[1]} {trouble}, only the statement tells", difference, untold)
        else:
            verdict.violations.append(
                f"{name}: {their.amount} on the statement, {our.amount} in our books, no open case"
            )


def _only_the_statement_tells(system: System, key: Key, scenario: str) -> str:
    """Why our side cannot know of a difference, though it asks wherever it can; "" when it could."""
    provider, kind, reference = key
    if kind == BILL:
        bodies = system.rows(WebhookDelivery).values_list("body", flat=True)
        is_heard = any(reference.encode() in bytes(body) for body in bodies)
        return "" if is_heard else "its confirmation did not reach us"
    moves = system.rows(PaymentEvent).filter(payment__attempts__reference=reference)
    last = moves.order_by("-id").first()
    if last is None:
        return ""
    by = (last.to_state, last.source)
    is_denied = scenario in TOLD_AS_FAILED and by == (State.FAILED, PaymentEvent.Source.WEBHOOK)
    if is_denied and provider == CANNOT_BE_ASKED:
        return "it told a failure, cannot be asked, and its news of the success was lost"
    is_asked_for = scenario in OTHER_AMOUNTS and by == (State.COMPLETED, PaymentEvent.Source.QUERY)
    if is_asked_for and provider == NAMES_NO_AMOUNT:
        return "the callback with the amount was lost, and a status query names none"
    return ""


def _charged_twice(simulator: Simulator) -> Iterator[str]:
    """In a run everybody wants one thing, once."""
    charges = Counter(
        line["msisdn"]
        for provider in PROVIDERS
        for line in simulator.statement(provider)["lines"]
        if line["type"] in ("collection", BILL)
    )
    for msisdn, times in charges.items():
        if times > 1:
            yield f"phone {msisdn} was charged {times} times"


def _statements(simulator: Simulator, biller_code: str) -> dict[Key, Movement]:
    found: dict[Key, Movement] = defaultdict(Movement)
    for provider in PROVIDERS:
        lines = simulator.statement(provider)["lines"]
        bills = {line["receipt"] for line in lines if line["type"] == BILL}
        for line in lines:
            kind = WAYS.get(line["type"], line["type"])
            reference = line["reference"]
            if provider == "tigo_pesa":
                reference = reference.removeprefix(biller_code)
            if paid := bills & {line["receipt"], line["original_receipt"]}:
                (reference,) = paid
            movement = found[provider, kind, reference]
            movement.amount += line["amount"]
            movement.lines += 1
            movement.receipts.add(line["receipt"])
    return dict(found)


def _ledger(system: System) -> dict[Key, Movement]:
    """Our entries on the providers' accounts, by what the providers know them by."""
    found: dict[Key, Movement] = defaultdict(Movement)
    bills = system.rows(Bill)
    suspended = dict(bills.values_list("our_id", "receipt"))
    taken = dict(bills.filter(state=Bill.State.TAKEN).values_list("payment_id", "receipt"))
    entries = system.rows(Entry).filter(account__startswith="provider:")
    for entry in entries.select_related("posting__transfer", "posting__payment"):
        provider = entry.account.split(":")[1]
        kind, _, reference = entry.posting.source.partition(":")
        receipt: str | None = None
        if kind == "transfer-sent" and (transfer := entry.posting.transfer):
            kind, receipt = transfer.method, transfer.provider_transaction_id
            if transfer.method == Transfer.Method.REVERSAL and transfer.payment:
                reference = transfer.payment.attempts.get().reference
                reference = taken.get(transfer.payment.pk, reference)
        elif kind == "suspense":
            kind, reference = BILL, suspended[reference]
        elif kind == "collection" and (payment := entry.posting.payment):
            receipt = payment.attempts.get().provider_transaction_id
            if payment.pk in taken:
                kind, reference = BILL, taken[payment.pk]
        movement = found[provider, kind, reference]
        movement.amount += entry.amount
        movement.lines += 1
        movement.receipts |= {receipt} if receipt else set()
    return dict(found)


class _Subjects:
    """Which open cases speak of a movement."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._open: dict[str, list[Case]] = defaultdict(list)
        for case in system.rows(Case).filter(state=Case.State.OPEN):
            self._open[case.subject].append(case)

    def open_cases(self, key: Key) -> list[Case]:
        return [case for subject in self._subjects(key) for case in self._open.get(subject, [])]

    def _subjects(self, key: Key) -> Iterator[str]:
        _, kind, reference = key
        transfers = self._system.rows(Transfer).filter(reference=reference)
        if kind != Transfer.Method.DISBURSEMENT:
            is_named = Q(attempts__reference=reference) | Q(bills__receipt=reference)
            payments = self._system.rows(Payment).filter(is_named)
            for payment in payments:
                yield f"payment:{payment.public_id}"
            transfers = self._system.rows(Transfer).filter(
                payment__in=payments, method=Transfer.Method.REVERSAL
            )
            if kind in ("collection", BILL):
                return
        for transfer in transfers:
            yield f"transfer:{transfer.reference}"


def _books_that_do_not_balance(system: System) -> Iterator[str]:
    sums = system.rows(Posting).annotate(total=Sum("entries__amount")).exclude(total=0)
    for posting in sums:
        yield f"posting {posting.source} does not balance"


def _paid_and_not_ended(system: System) -> Iterator[str]:
    """Whoever has paid is served, has the money as credit or back, or is in an open case."""
    in_case = _in_open_cases(system)
    activated = set(
        system.rows(Activation).filter(withdrawn_at=None).values_list("purchase_id", flat=True)
    )
    sent_back = set(
        system.rows(Transfer)
        .filter(kind=Transfer.Kind.REFUND)
        .exclude(state__in=[TransferState.REJECTED, TransferState.FAILED])
        .values_list("payment_id", flat=True)
    )
    credited = set(
        system.rows(Entry)
        .filter(account__startswith="credit:", amount__lt=0)
        .values_list("posting__payment_id", flat=True)
    )
    for payment in system.rows(Payment).filter(state=State.COMPLETED):
        is_ended = (
            payment.pk in sent_back
            or (
                payment.disposition == Disposition.FULFILLED
                and Purchase.id_from(payment.subject) in activated
            )
            or (payment.disposition == Disposition.CREDITED and payment.pk in credited)
            or payment.pk in in_case
        )
        if not is_ended:
            yield f"payment {payment} is paid and neither served nor given back"


def _in_open_cases(system: System) -> set[int]:
    """The payments that an open case speaks of, by themselves or by a transfer of theirs."""
    subjects = set(
        system.rows(Case).filter(state=Case.State.OPEN).values_list("subject", flat=True)
    )
    payments = system.rows(Payment).values_list("pk", "public_id")
    transfers = system.rows(Transfer).exclude(payment=None).values_list("payment_id", "reference")
    return {pk for pk, name in payments if f"payment:{name}" in subjects} | {
        pk for pk, name in transfers if pk and f"transfer:{name}" in subjects
    }


def _served_unpaid(system: System) -> Iterator[str]:
    paid = system.rows(Payment).filter(state=State.COMPLETED, disposition=Disposition.FULFILLED)
    count: Counter[int] = Counter(
        Purchase.id_from(subject) for subject in paid.values_list("subject", flat=True)
    )
    for purchase in system.rows(Activation).values_list("purchase_id", flat=True):
        if count[purchase] != 1:
            yield f"purchase {purchase} was activated, {count[purchase]} payments fulfilled it"


def _asked_twice(system: System) -> Iterator[str]:
    """A second request for the same money is only right when the first was surely not processed."""
    may_have_arrived = ~Q(outcome="not_sent")
    for name, kind in (("attempt", "collect"), ("transfer", "send")):
        calls = system.rows(ProviderCall).filter(kind=kind).filter(may_have_arrived)
        for row in calls.values(name).annotate(times=Count("id")).filter(times__gt=1):
            yield f"{name} {row[name]}: {row['times']} requests that may have been processed"


def _in_suspense_unnoticed(system: System) -> Iterator[str]:
    """Money that nobody can place is in a case, and the account holds it and nothing else."""
    held = system.rows(Bill).filter(state=Bill.State.SUSPENSE)
    open_cases = system.rows(Case).filter(state=Case.State.OPEN)
    subjects = set(open_cases.values_list("subject", flat=True))
    for bill in held:
        if bill.subject not in subjects:
            yield f"bill {bill} is in suspense without a case"
    lines = system.rows(Entry).filter(account__startswith="suspense:")
    booked = -(lines.aggregate(total=Sum("amount"))["total"] or 0)
    if booked != (expected := sum(bill.amount for bill in held)):
        yield f"suspense accounts hold {booked} TZS, the suspended bills are {expected}"


def _without_next_step(system: System) -> Iterator[str]:
    """Nothing that is not final waits for nothing, and after so long nothing waits at all."""
    attempts = system.rows(MobileMoneyTransaction)
    for attempt in attempts.filter(status__in=LIVE):
        yield f"attempt {attempt} is still {attempt.status}, next step {attempt.next_check_at}"
    was_asked = Exists(
        system.rows(ProviderCall)
        .filter(attempt=OuterRef("pk"), kind="collect")
        .exclude(outcome="not_sent")
    )
    unresolved = attempts.filter(was_asked, status=State.EXPIRED, next_check_at=None)
    cases = system.rows(Case).filter(state=Case.State.OPEN)
    subjects = set(cases.values_list("subject", flat=True))
    for attempt in unresolved.select_related("payment"):
        if f"payment:{attempt.payment.public_id}" not in subjects:
            yield f"attempt {attempt} has expired without an answer, a next step or a case"
    for payment in system.rows(Payment).filter(follow_up_at__isnull=False):
        yield f"payment {payment} is still to be followed up"
    for delivery in system.rows(WebhookDelivery).filter(state=WebhookDelivery.State.RECEIVED):
        yield f"{delivery} was never processed"
    for message in system.rows(Message).filter(state=Message.State.QUEUED):
        yield f"message {message} was never sent"


def _transfers_without_end(system: System) -> Iterator[str]:
    cases = system.rows(Case).filter(state=Case.State.OPEN)
    subjects = set(cases.values_list("subject", flat=True))
    for transfer in system.rows(Transfer).filter(state__in=OPEN_TRANSFERS):
        if f"transfer:{transfer.reference}" not in subjects:
            yield f"transfer {transfer} is {transfer.state} without a case"


def ends(system: System, references: Iterable[str]) -> dict[str, str]:
    """How each order ended, by our reference, in the words of the report."""
    rows: Any = system.rows(MobileMoneyTransaction).filter(reference__in=list(references))
    bills = system.rows(Bill).filter(receipt__in=list(references)).select_related("payment")
    return {
        attempt.reference: attempt.payment.disposition or attempt.status
        for attempt in rows.select_related("payment")
    } | {bill.receipt: bill.payment.disposition if bill.payment else bill.state for bill in bills}
