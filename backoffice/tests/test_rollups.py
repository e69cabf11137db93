"""That the sums are what the rows give, however late the rows change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Thread
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.models import RollupMark, Sales, Tally
from backoffice.rollups.days import recompute_measures
from backoffice.rollups.run import rebuild, roll_up
from backoffice.rollups.sales import EDGES, OVER, recompute_hour
from backoffice.rollups.tables import COUNTS, OF_PAYMENTS, SUMS, Measure, Span
from bundles.models import Activation, Bundle, Purchase, Subscription
from bundles.tests.factories import a_bundle
from cases.models import Case, CaseKind
from common.clock import business_day
from payments import ledger
from payments.models import (
    Bucket,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    ProviderName,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.states import State, TransferState
from payments.tests.factories import a_customer
from vpn.models import Address, Connection, Peer, Usage
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

BEGINNING = datetime(2026, 3, 1, 19, 40, tzinfo=UTC)  # a business day ends 80 minutes later
REASONS = ("wrong_pin", "no_answer", "insufficient_funds")
_numbers = count(1)


class History:
    """Payments as rows alone, changed the way the services change them; none is older than it."""

    def __init__(self) -> None:
        RollupMark.objects.all().delete()
        self.begins_at = timezone.now()
        self.person = a_customer()
        self.bundles = [a_bundle(), a_bundle()]
        self.gateway = first_gateway()
        self.payments: list[int] = []

    def begin(self, provider: str, bundle: int) -> None:
        subject = ""
        if bundle < len(self.bundles):
            purchase = Purchase.objects.create(
                customer=self.person,
                bundle=self.bundles[bundle],
                state=Purchase.State.PAID,
                price=1000,
                data_limit_gb=1,
                duration_days=1,
                commission_percent=10,
                tax_percent=0,
            )
            subject = purchase.subject
        payment = Payment.objects.create(
            payer=self.person,
            subject=subject or f"thing:{next(_numbers)}",
            amount=1000,
            payment_method=provider,
            from_credit=100 * bundle,
        )
        self.payments.append(payment.pk)
        if provider == Payment.CREDIT:
            return
        MobileMoneyTransaction.objects.create(
            payment=payment,
            provider=provider,
            dialect=provider,
            customer_phone="+255710000001",
            posted_at=timezone.now() + timedelta(seconds=1) if bundle else None,
        )

    def change(self, which: int, what: str, amount: int) -> None:
        if not self.payments:
            return
        payment = Payment.objects.get(pk=self.payments[which % len(self.payments)])
        getattr(self, f"_{what}")(payment, amount)

    def _expire(self, payment: Payment, amount: int) -> None:
        if payment.state in (State.INITIATED, State.PENDING):
            self._move(payment, State.EXPIRED)

    def _fail(self, payment: Payment, amount: int) -> None:
        if payment.state not in (State.COMPLETED, State.FAILED):
            payment.reason = REASONS[amount % 3]
            self._move(payment, State.FAILED)

    def _complete(self, payment: Payment, amount: int) -> None:
        if payment.state != State.COMPLETED:
            payment.reason = ""
            payment.paid_amount, payment.paid_at = amount, timezone.now()
            self._move(payment, State.COMPLETED)

    def _fulfil(self, payment: Payment, amount: int) -> None:
        if payment.state != State.COMPLETED or payment.disposition or payment.covered < 1000:
            return
        if payment.subject.startswith("purchase:"):
            self._activate(Purchase.objects.get(pk=Purchase.id_from(payment.subject)), amount)
        payment.disposition = Disposition.FULFILLED
        payment.fulfilled_at = timezone.now()
        payment.save()

    def _activate(self, purchase: Purchase, amount: int) -> None:
        """A new subscription, or more of the bundle's last one."""
        last = Subscription.objects.filter(bundle=purchase.bundle).last()
        if last is None or amount % 2:
            last = Subscription.objects.create(
                customer=self.person,
                bundle=purchase.bundle,
                state=Subscription.State.ENDED,
                starts_at=timezone.now(),
                ends_at=timezone.now() + timedelta(days=1),
                data_limit_bytes=10**9,
                max_connections=1,
            )
        Activation.objects.create(purchase=purchase, subscription=last, data_bytes=10**9, days=1)

    def _serve(self, payment: Payment, amount: int) -> None:
        """What most payments come to."""
        self._complete(payment, 1000)
        self._fulfil(payment, amount)

    def _credit(self, payment: Payment, amount: int) -> None:
        if payment.state == State.COMPLETED and not payment.disposition:
            payment.disposition = Disposition.CREDITED
            payment.save()

    def _reverse(self, payment: Payment, amount: int) -> None:
        if payment.state == State.COMPLETED:
            payment.reversed_at = timezone.now()
            payment.save()

    def _refund(self, payment: Payment, amount: int) -> None:
        """Asked for the first time, sent the second."""
        transfer = payment.transfers.filter(state=TransferState.PENDING).first()
        if transfer is not None:
            transfer.state = TransferState.SUCCEEDED
            transfer.save()
        elif payment.state == State.COMPLETED and payment.payment_method != Payment.CREDIT:
            Transfer.objects.create(
                kind=Transfer.Kind.REFUND,
                method=Transfer.Method.DISBURSEMENT,
                state=TransferState.PENDING,
                payment=payment,
                payee=self.person,
                provider=payment.payment_method,
                dialect="x",
                phone="+255710000001",
                amount=amount,
                request_key=f"refund:{next(_numbers)}",
                why="asked for",
            )

    def _connect(self, payment: Payment, amount: int) -> None:
        if not payment.fulfilled_at or not payment.subject.startswith("purchase:"):
            return
        subscription = Subscription.objects.get(
            activations__purchase=Purchase.id_from(payment.subject)
        )
        peer = subscription.peers.first() or self._peer(subscription)
        peer.handshake_at = timezone.now()
        peer.save()
        Connection.objects.create(
            peer=peer, started_at=peer.handshake_at, seen_at=peer.handshake_at
        )

    def _peer(self, subscription: Subscription) -> Peer:
        number = next(_numbers)
        return Peer.objects.create(
            subscription=subscription,
            gateway=self.gateway,
            address=Address.objects.create(gateway=self.gateway, number=number),
            device_name=f"phone {number}",
            public_key=f"key {number}",
        )

    def _move(self, payment: Payment, target: State) -> None:
        PaymentEvent.objects.create(
            payment=payment,
            from_state=payment.state,
            to_state=target,
            source=PaymentEvent.Source.WEBHOOK,
        )
        payment.state = target
        payment.save()


CHANGES = (
    "expire",
    "fail",
    "complete",
    "fulfil",
    "serve",
    "credit",
    "reverse",
    "refund",
    "connect",
)
METHODS = [*ProviderName.values, Payment.CREDIT]
moments = st.one_of(
    st.tuples(st.just("begin"), st.sampled_from(METHODS), st.integers(0, 2)),
    st.tuples(
        st.just("change"),
        st.integers(0, 5),
        st.sampled_from(CHANGES),
        st.sampled_from([400, 900, 1000, 1300]),
    ),
    st.just(("roll_up",)),
)
waits = st.sampled_from([1, 4, 18, 400, 3600, 86_400, 7 * 86_400])  # seconds


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(st.tuples(waits, moments), min_size=5, max_size=40))
def test_what_changed_gives_the_same_as_everything_anew_and_as_a_plain_count(
    steps: list[tuple[int, tuple[Any, ...]]],
) -> None:
    beginning = BEGINNING + next(_numbers) * timedelta(days=400)  # nothing of the last one is near
    with time_machine.travel(beginning, tick=False) as clock:
        history = History()
        acts: dict[str, Callable[..., object]] = {
            "begin": history.begin,
            "change": history.change,
            "roll_up": roll_up,
        }
        roll_up()
        for seconds, (what, *how) in steps:
            clock.shift(seconds)
            acts[what](*how)
        roll_up()
        incremental = sums(history.begins_at)
        assert incremental == plain_count(history.begins_at)
        for day in {key[2] for key in incremental}:
            rebuild(since=day, until=day)
        assert sums(history.begins_at) == incremental


def sums(since: datetime) -> dict[tuple[Any, ...], Any]:
    """Every row of payments' sums, without what is zero."""
    found: dict[tuple[Any, ...], Any] = {}
    for row in Sales.objects.filter(day__gte=business_day(since)):
        key = (row.span, row.begins_at, row.day, row.hour, row.provider, row.bundle)
        found[key] = {name: getattr(row, name) for name in (*COUNTS, *SUMS)}
    of_payments = Tally.objects.filter(measure__in=OF_PAYMENTS)
    for tally in of_payments.filter(day__gte=business_day(since)):
        where = (tally.span, tally.begins_at, tally.day, tally.provider, tally.bundle)
        found[(*where, tally.measure, tally.label)] = tally.count
    return found


def plain_count(since: datetime) -> dict[tuple[Any, ...], Any]:
    """The same, counted payment by payment in Python."""
    totals: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    tallies: Counter[tuple[Any, ...]] = Counter()
    for payment in Payment.objects.filter(created_at__gte=since):
        bundle, facts, labels = facts_of(payment)
        hour = payment.created_at.replace(minute=0, second=0, microsecond=0)
        eat = payment.created_at + timedelta(hours=3)
        midnight = datetime(eat.year, eat.month, eat.day, tzinfo=UTC) - timedelta(hours=3)
        day, method = eat.date(), payment.payment_method
        totals["hour", hour, day, eat.hour, method, bundle].update(facts)
        totals["all", hour, day, eat.hour, method, 0].update(facts)
        owner = Bundle.objects.get(pk=bundle).owner_id if bundle else None
        if owner:
            totals["own", hour, day, eat.hour, method, owner].update(facts)
        totals["day", midnight, day, 0, method, bundle].update(facts)
        for label in labels:
            tallies["hour", hour, day, method, bundle, *label] += 1
            tallies["day", midnight, day, method, bundle, *label] += 1
            tallies["all", midnight, day, method, 0, *label] += 1
            if owner:
                tallies["own", midnight, day, method, owner, *label] += 1
    rows: dict[tuple[Any, ...], Any] = {
        key: {name: found[name] for name in (*COUNTS, *SUMS)} for key, found in totals.items()
    }
    return rows | dict(tallies)


def facts_of(payment: Payment) -> tuple[int, dict[str, int], list[tuple[str, str]]]:
    attempt = payment.attempts.first()
    prompted_at = attempt and attempt.posted_at
    purchase = None
    if payment.subject.startswith("purchase:"):
        purchase = Purchase.objects.get(pk=Purchase.id_from(payment.subject))
    bundle = purchase.bundle_id if purchase else 0
    activation = Activation.objects.filter(purchase=purchase).first() if purchase else None
    is_paid, is_active = payment.state == "completed", payment.fulfilled_at is not None
    moves = [(event.from_state, event.to_state) for event in payment.events.all()]
    paid = payment.paid_amount or 0
    credited = {
        "credited": paid + payment.from_credit,
        "fulfilled": paid + payment.from_credit - 1000,
    }
    facts = {
        "begun": 1,
        "prompted": prompted_at is not None,
        "completed": is_paid,
        "failed": payment.state == "failed",
        "expired": payment.state == "expired",
        "late": is_paid and ("expired", "completed") in moves,
        "activated": is_active,
        "connected": is_active
        and activation is not None
        and any(peer.handshake_at for peer in activation.subscription.peers.all()),
        "subscriptions": is_active
        and activation is not None
        and activation.subscription.activations.order_by("pk").first() == activation,
        "asked": 1000 - payment.from_credit,
        "paid": paid if is_paid else 0,
        "credited": credited.get(payment.disposition, 0),
        "refunded": sum(
            each.amount for each in payment.transfers.all() if each.state == "succeeded"
        ),
        "reversed": paid if payment.reversed_at else 0,
    }
    labels = []
    if payment.state == "failed":
        labels.append(("failed", payment.reason))
    if is_paid and prompted_at and payment.paid_at:
        labels.append(("to_paid", edge(payment.paid_at - prompted_at)))
    if payment.fulfilled_at and payment.paid_at:
        labels.append(("to_active", edge(payment.fulfilled_at - payment.paid_at)))
    return bundle, {name: int(value) for name, value in facts.items()}, labels


def edge(took: timedelta) -> str:
    return next((str(each) for each in EDGES if took.total_seconds() <= each), OVER)


def test_a_payment_that_completes_days_later_and_a_refund_after_a_week_are_counted() -> None:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        history.change(0, "expire", 0)
        for _ in range(3):
            clock.shift(400)
            roll_up()
        assert day_of(BEGINNING).expired == 1
        clock.shift(3 * 86_400)
        history.change(0, "complete", 1000)
        history.change(0, "fulfil", 1)
        assert roll_up() == 1
        day = day_of(BEGINNING)
        assert (day.expired, day.late, day.paid, day.refunded) == (0, 1, 1000, 0)
        for _ in range(7):
            clock.shift(86_400)
            roll_up()
        history.change(0, "refund", 700)
        history.change(0, "refund", 700)
        assert roll_up() == 1
        assert day_of(BEGINNING).refunded == 700


def day_of(moment: datetime) -> Sales:
    return Sales.objects.get(span=Span.DAY, day=(moment + timedelta(hours=3)).date())


def test_a_device_that_connects_after_a_week_is_counted_and_once() -> None:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        history.change(0, "serve", 1)
        for _ in range(7):
            clock.shift(86_400)
            roll_up()
        assert day_of(BEGINNING).connected == 0
        history.change(0, "connect", 1)
        roll_up()
        assert day_of(BEGINNING).connected == 1
        for _ in range(3):
            clock.shift(86_400)
            roll_up()
        history.change(0, "connect", 1)
        assert roll_up() == 0  # it was connected before


def test_a_transaction_that_commits_after_some_runs_is_seen_by_the_next() -> None:
    """Its time is before theirs, as it began before them."""
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        for _ in range(4):
            clock.shift(400)
            roll_up()
        began = timezone.now()
        for _ in range(3):
            clock.shift(30)
            roll_up()
        Payment.objects.update(state=State.FAILED, updated_at=began)
        clock.shift(30)
        roll_up()
        assert day_of(BEGINNING).failed == 1


def test_a_run_that_dies_leaves_its_hours_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(hours: object) -> None:
        raise RuntimeError("killed")

    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        for _ in range(3):
            clock.shift(400)
            roll_up()
        history.change(0, "fail", 0)
        with monkeypatch.context() as patch:
            patch.setattr("backoffice.rollups.run.recompute", dies)
            with pytest.raises(RuntimeError):
                roll_up()
        clock.shift(86_400)
        roll_up()
        assert day_of(BEGINNING).failed == 1


@pytest.mark.mariadb
def test_two_who_count_the_same_hour_at_once_count_it_once() -> None:
    with time_machine.travel(BEGINNING, tick=False):
        history = History()
        for _ in range(5):
            history.begin(ProviderName.AIRTEL_MONEY, 1)
    hour = BEGINNING.replace(minute=0, second=0, microsecond=0)
    failures: list[Exception] = []

    def count_it() -> None:
        try:
            for _ in range(10):
                recompute_hour(hour)
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=count_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Sales.objects.get(span=Span.HOUR, begins_at=hour).begun == 5


def test_the_command_counts_only_the_days_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        clock.shift(timedelta(days=3))
        history.begin(ProviderName.TIGO_PESA, 1)
        call_command("rebuild_rollups", since=date(2026, 3, 4))
        assert [row.day for row in Sales.objects.filter(span=Span.DAY)] == [date(2026, 3, 4)]
        call_command("rebuild_rollups")
        assert Sales.objects.filter(span=Span.DAY).count() == 2
    assert "Counted 4 days." in capsys.readouterr().out


def test_what_a_day_is_told_by_besides_its_payments() -> None:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        day = date(2026, 3, 1)
        history.begin(ProviderName.TIGO_PESA, 1)
        history.change(0, "complete", 1000)
        history.change(0, "fulfil", 1)
        history.change(0, "connect", 1)
        peer = Peer.objects.get()
        Usage.objects.create(
            peer=peer,
            subscription=peer.subscription,
            epoch="e",
            day=day,
            up_from=5,
            up_to=10,
            down_from=0,
            down_to=100,
        )
        ledger.post(source="credit", memo="x", lines=[("receipts", 300), ("credit:1", -300)])
        payment = Payment.objects.get()
        prices = (("receipts", 1000), ("earnings_held:7", -800), ("revenue", -90), ("tax", -110))
        ledger.post(source="sale", memo="x", payment=payment, lines=prices)
        gone = (("earnings_held:7", 80), ("revenue", 9), ("tax", 11), ("transfer:x", -100))
        ledger.post(source="part back", memo="x", payment=payment, lines=gone)
        Case.objects.create(
            kind=CaseKind.LATE_PAYMENT,
            subject="payment:x",
            amount=700,
            opened_at=timezone.now() - timedelta(days=2),
        )
        a_line(Bucket.MATCHED, 1000)
        a_line(Bucket.PAID_NO_ORDER, -400)
        clock.shift(timedelta(days=1))
        Case.objects.update(state=Case.State.RESOLVED, resolved_at=timezone.now())
        recompute_measures(day)
        recompute_measures(day)
    bundle = history.bundles[1].pk
    rows = Tally.objects.filter(span=Span.DAY, day=day).order_by("measure", "label")
    assert set(rows.values_list("measure", "label", "provider", "bundle", "count", "amount")) == {
        (Measure.USED, "", "", bundle, 0, 105),
        (Measure.SOLD, "", "", bundle, 1, 10**9),
        (Measure.ACTIVE, "", "", bundle, 1, 0),
        (Measure.SHARE, "", "", bundle, 0, 720),
        (Measure.COMMISSION, "", "", bundle, 0, 81),
        (Measure.TAX, "", "", bundle, 0, 99),
        (Measure.CREDIT, "", "", 0, 0, 300),
        (Measure.CASES, "late_payment/1 to 3 days", "", 0, 1, 700),
        (Measure.LINES, "matched", "tigo_pesa", 0, 1, 1000),
        (Measure.LINES, "paid_no_order", "tigo_pesa", 0, 1, 400),
    }
    owner = history.bundles[1].owner_id
    added_up = Tally.objects.filter(span__in=[Span.OWN, Span.ALL], measure=Measure.SHARE)
    assert set(added_up.values_list("span", "bundle", "amount")) == {
        ("own", owner, 720),
        ("all", 0, 720),
    }


def a_line(bucket: Bucket, amount: int) -> StatementLine:
    file, _ = StatementFile.objects.get_or_create(
        provider=ProviderName.TIGO_PESA, account="till", sha256="x", name="x"
    )
    number = next(_numbers)
    return StatementLine.objects.create(
        provider=ProviderName.TIGO_PESA,
        account="till",
        receipt=f"R{number}",
        kind=StatementLine.Kind.COLLECTION,
        is_incoming=amount > 0,
        amount=amount,
        completed_at=timezone.now(),
        row_hash="x",
        file=file,
        row=number,
        bucket=bucket,
    )


def test_hours_are_counted_by_a_number_of_queries_that_does_not_grow() -> None:
    history = History()
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    recompute_hour(hour)  # makes the mark
    taken = []
    for _ in range(2):
        for _ in range(3):
            history.begin(ProviderName.AIRTEL_MONEY, 1)
        with CaptureQueriesContext(connection) as queries:
            recompute_hour(hour)
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_what_changes_long_after_the_first_run_is_counted() -> None:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        history = History()
        history.begin(ProviderName.TIGO_PESA, 1)
        roll_up()
        clock.shift(7 * 86_400)
        history.change(0, "fail", 0)
        roll_up()
        assert day_of(BEGINNING).failed == 1
