"""The books hold on ordinary days, and whatever breaks them is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client
from django.utils import timezone

from backoffice.invariants import INVARIANTS
from backoffice.money_check import KEY, prove
from backoffice.tasks import check_money
from backoffice.tests.stories import (
    Books,
    a_few_books,
    a_gift,
    asked,
    every_ordinary_story,
    given_data,
    paid,
    send_money,
)
from backoffice.tests.test_metrics import figures
from bundles.models import (
    LAST_PACKET_BYTES,
    Activation,
    Bundle,
    FiscalRecord,
    Gift,
    Purchase,
    Seat,
    Subscription,
)
from bundles.services.claim_gift import claim_gift
from bundles.services.record_fiscally import record_sales
from bundles.tests.factories import a_bundle
from cases.models import Case, CaseKind
from cases.services import resolve_case
from common.clock import business_day
from notifications.models import Message
from payments import ledger
from payments.days.hashes import hash_of, lines_hash_of
from payments.days.tills import till_of
from payments.ledger_triggers import drop_triggers
from payments.models import (
    Certificate,
    DayClose,
    Entry,
    Match,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    ProviderCall,
    ReceiptClaim,
    StatementLine,
    Transfer,
    TransferEvent,
    WebhookDelivery,
)
from payments.tests.factories import a_customer
from payments.tests.matching import a_line
from vpn.models import Address, Gateway, Peer, Usage
from vpn.tests.factories import another_gateway, first_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ready(transactional_db: None, providers: None, settings: Any) -> None:
    send_money(settings)
    first_gateway()


@pytest.fixture
def books() -> Books:
    return a_few_books()


def failing() -> dict[str, str]:
    """Each invariant that does not hold, with all that it says of its offenders."""
    return {
        finding.invariant.id: "\n".join(
            f"{offender.subject}: {offender.trouble}" for offender in finding.shown
        )
        for finding in prove(INVARIANTS, limit=100)
        if finding.count
    }


def told(**options: Any) -> tuple[str, str]:
    """What the command prints, and with what it fails."""
    output = StringIO()
    error = ""
    try:
        call_command("check_money", stdout=output, no_color=True, **options)
    except CommandError as failure:  # which ends the program with 1
        error = str(failure)
    return output.getvalue(), error


def test_every_ordinary_story_leaves_right_books() -> None:
    every_ordinary_story()
    assert failing() == {}


def test_the_books_that_tests_break_are_right(books: Books) -> None:
    assert failing() == {}
    assert told()[1] == ""


def test_ids_are_unique_and_fit_a_case() -> None:
    ids = [invariant.id for invariant in INVARIANTS]
    assert len(set(ids)) == len(ids)


def rows_of(payment: Payment) -> Any:
    return Payment.objects.filter(pk=payment.pk)


def attempt_of(payment: Payment) -> Any:
    return MobileMoneyTransaction.objects.filter(payment=payment)


def book(source: str, *lines: tuple[str, int], **of: Any) -> None:
    """A posting that no service makes; its other side is the bank."""
    posting = Posting.objects.create(source=source, memo="by hand", **of)
    rest = -sum(amount for _, amount in lines)
    for account, amount in (*lines, (ledger.BANK, rest)):
        if amount:
            Entry.objects.create(posting=posting, account=account, amount=amount)


@contextmanager
def without(model: type[models.Model], name: str) -> Iterator[None]:
    """The database as a careless restore leaves it: without one of its rules."""
    rule = next(rule for rule in model._meta.constraints if rule.name == name)
    others = [other for other in model._meta.constraints if other is not rule]
    with (
        patch.object(model._meta, "constraints", others),  # SQLite makes the table anew, by these
        connection.schema_editor() as editor,
    ):
        editor.remove_constraint(model, rule)
    newest = model._base_manager.aggregate(newest=models.Max("pk"))["newest"] or 0
    try:
        yield
    finally:
        # Whatever fails meanwhile: with a second row MariaDB would not take the rule back.
        model._base_manager.filter(pk__gt=newest).delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(model, rule)


def of(payment: Payment) -> str:
    return f"payment:{payment.public_id}"


def never_followed_up(books: Books) -> str:
    with patch("payments.services.settle.follow_up"):
        payment = paid(Bundle.objects.earliest("id"))
    rows_of(payment).update(paid_at=timezone.now() - timedelta(minutes=3))
    return of(payment)


def served_but_when(books: Books) -> str:
    rows_of(books.served).update(fulfilled_at=None)
    return of(books.served)


def served_and_given_up(books: Books) -> str:
    rows_of(books.credited).update(fulfilled_at=timezone.now())
    return of(books.credited)


def paid_for_something_else(books: Books) -> str:
    rows_of(books.served).update(subject="purchase:999999")
    return f"purchase:{Purchase.id_from(books.served.subject)}"


def unbalanced(books: Books) -> str:
    posting = Posting.objects.earliest("id")
    Entry.objects.create(posting=posting, account=ledger.BANK, amount=7)
    return f"posting:{posting.source}"


def without_lines(books: Books) -> str:
    Posting.objects.create(source="empty", memo="by hand")
    return "posting:empty"


def unguarded(books: Books) -> str:
    with connection.schema_editor() as editor:
        drop_triggers(apps, editor, tables=["payments_entry"])
    return "trigger:payments_entry_no_delete"


def asked_twice(books: Books) -> str:
    attempt = attempt_of(books.waiting).get()
    ProviderCall.objects.create(attempt=attempt, kind=ProviderCall.Kind.COLLECT)
    return of(books.waiting)


def same_receipt(books: Books) -> str:
    receipt = attempt_of(books.served).get().provider_transaction_id
    attempt_of(books.credited).update(provider_transaction_id=f" {receipt.lower()}")
    return f"receipt:tigo_pesa:{receipt}"


def undone_completion(books: Books) -> str:
    for move in (("completed", "failed"), ("failed", "completed")):
        PaymentEvent.objects.create(
            payment=books.served, from_state=move[0], to_state=move[1], source="staff"
        )
    return of(books.served)


def undone_transfer(books: Books) -> str:
    for move in (("succeeded", "failed"), ("failed", "succeeded")):
        TransferEvent.objects.create(
            transfer=books.refund, from_state=move[0], to_state=move[1], source="staff"
        )
    return f"transfer:{books.refund.reference}"


def other_currency(books: Books) -> str:
    rows_of(books.waiting).update(currency="USD")
    return of(books.waiting)


def paid_before_completion(books: Books) -> str:
    rows_of(books.waiting).update(paid_amount=1000)
    return of(books.waiting)


def more_back_than_paid(books: Books) -> str:
    Transfer.objects.filter(pk=books.queued.pk).update(payment=books.served)
    return of(books.served)


def sent_twice(books: Books) -> str:
    ProviderCall.objects.create(transfer=books.refund, kind=ProviderCall.Kind.SEND)
    return f"transfer:{books.refund.reference}"


def decided_by_nobody(books: Books) -> str:
    Transfer.objects.filter(pk=books.decided.pk).update(decided_by=None)
    return f"transfer:{books.decided.reference}"


def decided_by_whoever_asked(books: Books) -> str:
    """Two people swapped: the history knows who it was."""
    Transfer.objects.filter(pk=books.decided.pk).update(
        decided_by=a_customer(), requested_by=books.decided.decided_by
    )
    return f"transfer:{books.decided.reference}"


def forgotten_attempt(books: Books) -> str:
    attempt_of(books.waiting).update(next_check_at=None)
    return of(books.waiting)


def overdue_attempt(books: Books) -> str:
    attempt_of(books.waiting).update(next_check_at=timezone.now() - timedelta(minutes=16))
    return of(books.waiting)


def lost_expired_attempt(books: Books) -> str:
    """Expired, asked before, and nobody asks any more nor has staff seen it."""
    rows_of(books.waiting).update(state="expired")
    attempt_of(books.waiting).update(status="expired", next_check_at=None)
    PaymentEvent.objects.create(
        payment=books.waiting, from_state="pending", to_state="expired", source="sweep"
    )
    return of(books.waiting)


def overdue_follow_up(books: Books) -> str:
    rows_of(books.served).update(follow_up_at=timezone.now() - timedelta(minutes=16))
    return of(books.served)


def forgotten_transfer(books: Books) -> str:
    Transfer.objects.filter(pk=books.queued.pk).update(next_check_at=None)
    return f"transfer:{books.queued.reference}"


def forgotten_delivery(books: Books) -> str:
    delivery = WebhookDelivery.objects.create(
        dialect="tigo_pesa", trust="open", body=b"", body_bytes=0, next_try_at=None
    )
    return f"delivery:{delivery.pk}"


def forgotten_receipt(books: Books) -> str:
    claim = ReceiptClaim.objects.create(customer=books.served.payer, receipt="SG632NMUAB")
    return claim.subject


def forgotten_message(books: Books) -> str:
    message = Message.objects.earliest("id")
    Message.objects.filter(pk=message.pk).update(next_attempt_at=None)
    return f"message:{message.key}"


def subscription_of(payment: Payment) -> Subscription:
    return Subscription.objects.get(activations__purchase=Purchase.id_from(payment.subject))


def change_subscription(books: Books, **changes: Any) -> str:
    subscription = subscription_of(books.served)
    Subscription.objects.filter(pk=subscription.pk).update(**changes)
    return f"subscription:{subscription.pk}"


def outlived(books: Books) -> str:
    end = timezone.now() - timedelta(minutes=16)
    return change_subscription(books, starts_at=end - timedelta(days=1), ends_at=end)


def more_data(books: Books) -> str:
    return change_subscription(books, data_limit_bytes=models.F("data_limit_bytes") + 1)


def longer(books: Books) -> str:
    return change_subscription(books, ends_at=models.F("ends_at") + timedelta(seconds=1))


def connected_without_subscription(books: Books) -> str:
    change_subscription(books, state="ended")
    Seat.objects.filter(customer=books.served.payer).delete()
    return f"peer:{Peer.objects.get(subscription=subscription_of(books.served)).pk}"


def other_reason(books: Books) -> str:
    attempt_of(books.waiting).update(reason="busy")
    return of(books.waiting)


def state_by_hand(books: Books) -> str:
    rows_of(books.waiting).update(state="failed")
    attempt_of(books.waiting).update(status="failed")
    return of(books.waiting)


def collection_of_other_attempt(books: Books) -> str:
    attempt_of(books.served).update(reference="SOMEBODYELSE")
    return of(books.served)


def collection_of_unpaid(books: Books) -> str:
    source = f"collection:{attempt_of(books.waiting).get().reference}"
    book(source, (ledger.collection_account("tigo_pesa"), 1000), payment=books.waiting)
    return f"posting:{source}"


def credit_for_nothing(books: Books) -> str:
    account = ledger.credit_account(books.served.payer_id)
    book(of(books.served).replace("payment", "credit"), (account, -50), payment=books.served)
    return of(books.served)


def receipts_used(books: Books) -> str:
    book("odd", (ledger.RECEIPTS, 5), payment=books.served)
    return of(books.served)


def receipts_of_nobody(books: Books) -> str:
    book("odd", (ledger.RECEIPTS, 5))
    return "posting:odd"


def credit_below_zero(books: Books) -> str:
    account = ledger.credit_account(books.served.payer_id)
    book("odd", (account, 5))
    return f"account:{account}"


def transfer_account_used(books: Books) -> str:
    book("odd", (ledger.transfer_account(books.refund), 5))
    return f"transfer:{books.refund.reference}"


def account_of_no_transfer(books: Books) -> str:
    book("odd", ("transfer:NOBODY", -5))
    return "transfer:NOBODY"


def sent_and_undone(books: Books) -> str:
    source = f"transfer-undone:{books.refund.reference}"
    book(source, ("float", 700), transfer=books.refund)
    return f"transfer:{books.refund.reference}"


def transfer_state_by_hand(books: Books) -> str:
    Transfer.objects.filter(pk=books.queued.pk).update(state="pending")
    return f"transfer:{books.queued.reference}"


def activation_of_other_purchase(books: Books) -> str:
    purchase = Purchase.id_from(books.served.subject)
    other = Purchase.id_from(books.credited.subject)
    Activation.objects.filter(purchase=purchase).update(purchase=other)
    return of(books.served)


def sale_of_credited(books: Books) -> str:
    source = f"sale:{books.credited.subject}"
    book(source, (ledger.REVENUE, -5), payment=books.credited)
    return f"posting:{source}"


def withdrawn_and_usable(books: Books) -> str:
    subscription = subscription_of(books.served)
    subscription.activations.update(withdrawn_at=timezone.now())
    return f"subscription:{subscription.pk}"


def fewer_seats(books: Books) -> str:
    bundle = subscription_of(books.served).bundle
    Bundle.objects.filter(pk=bundle.pk).update(max_clients=0)
    return f"bundle:{bundle.pk}"


def no_seat(books: Books) -> str:
    Seat.objects.filter(customer=books.served.payer).delete()
    return f"subscription:{subscription_of(books.served).pk}"


def gift_without_place(books: Books) -> str:
    gift = a_gift(a_bundle())
    Seat.objects.filter(purchase=gift.purchase).delete()
    return f"gift:{gift.pk}"


def place_of_a_returned_gift(books: Books) -> str:
    gift = a_gift(a_bundle())
    Gift.objects.update(state=Gift.State.RETURNED, ended_at=timezone.now())
    return f"bundle:{gift.bundle_id}"


def claimed_without_service(books: Books) -> str:
    gift = a_gift(a_bundle())
    Seat.objects.filter(purchase=gift.purchase).delete()
    claimed = {"state": Gift.State.CLAIMED, "claimed_by": a_customer()}
    Gift.objects.update(**claimed, ended_at=timezone.now())
    return f"gift:{gift.pk}"


def data_claimed_by_another(books: Books) -> str:
    gift = claim_gift(gift=given_data(a_bundle()), claimer=a_customer())
    Gift.objects.update(claimed_by=a_customer())
    return f"gift:{gift.pk}"


def offered_too_long(books: Books) -> str:
    gift = a_gift(a_bundle())
    Gift.objects.update(expires_at=timezone.now() - timedelta(days=2))
    return f"gift:{gift.pk}"


def more_given_than_taken(books: Books) -> str:
    gift = given_data(a_bundle())
    Gift.objects.update(data_bytes=gift.data_bytes + 1)
    return f"subscription:{gift.subscription_id}"


def more_time_than_lent(books: Books) -> str:
    gift = claim_gift(gift=given_data(a_bundle()), claimer=a_customer())
    Gift.objects.update(lends_time=gift.lends_time + timedelta(seconds=1))
    return f"subscription:{gift.received_id}"


def held_though_earned(books: Books) -> str:
    subscription_of(books.served).activations.update(earned_at=timezone.now())
    return of(books.served)


def resting_address_in_use(books: Books) -> str:
    address = Address.objects.earliest("id")
    Address.objects.filter(pk=address.pk).update(free_at=timezone.now())
    return f"address:{address.pk}"


def resting_address_kept(books: Books) -> str:
    """A device that waits for its customer's renewal goes on at its address."""
    Peer.objects.filter(subscription=subscription_of(books.served)).update(state="suspended")
    address = Peer.objects.get(subscription=subscription_of(books.served)).address
    Address.objects.filter(pk=address.pk).update(free_at=timezone.now())
    return f"address:{address.pk}"


def used_and_not_counted(books: Books) -> str:
    Subscription.objects.filter(pk=subscription_of(books.served).pk).update(data_used_bytes=1)
    return f"subscription:{subscription_of(books.served).pk}"


def used_up_and_not_noted(books: Books) -> str:
    subscription = subscription_of(books.served)
    _count(subscription.peers.get(), up_to=subscription.data_limit_bytes - LAST_PACKET_BYTES + 1)
    Subscription.objects.filter(pk=subscription.pk).update(used_up_at=None)
    return f"subscription:{subscription.pk}"


def noted_and_not_used_up(books: Books) -> str:
    subscription = subscription_of(books.served)
    Subscription.objects.filter(pk=subscription.pk).update(used_up_at=timezone.now())
    return f"subscription:{subscription.pk}"


def counted_twice(books: Books) -> str:
    peer = subscription_of(books.served).peers.get()
    _count(peer, up_to=10)
    _count(peer, up_to=15, up_from=9, day=timezone.localdate() + timedelta(days=1))
    return f"peer:{peer.pk}"


def first_day_not_from_zero(books: Books) -> str:
    peer = subscription_of(books.served).peers.get()
    _count(peer, up_to=10, up_from=9)
    return f"peer:{peer.pk}"


def billed_to_somebody_else(books: Books) -> str:
    peer = subscription_of(books.served).peers.get()
    other = Subscription.objects.exclude(pk=peer.subscription_id).earliest("pk")
    _count(peer, up_to=10, subscription=other)
    return f"peer:{peer.pk}"


def _count(peer: Peer, **changes: Any) -> None:
    """What a gateway has counted, as the rows have it; the sum of all is right."""
    row = Usage(
        peer=peer,
        subscription=peer.subscription,
        epoch="e",
        day=timezone.localdate(),
        up_from=0,
        down_from=0,
        down_to=0,
    )
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    rows = Usage.objects.filter(subscription=row.subscription)
    Subscription.objects.filter(pk=row.subscription_id).update(
        data_used_bytes=sum(each.used for each in rows)
    )


def gateway_counts_wrong(books: Books) -> str:
    Gateway.objects.update(peers_served=models.F("peers_served") + 1)
    return f"gateway:{Gateway.objects.get().pk}"


def digest_of_nobody(books: Books) -> str:
    """As when a row was changed past the services that publish it."""
    Peer.objects.filter(subscription=subscription_of(books.served)).update(digest="f" * 64)
    return f"gateway:{Gateway.objects.get().pk}"


def address_elsewhere(books: Books) -> str:
    peer = Peer.objects.get(subscription=subscription_of(books.served))
    address = Address.objects.create(gateway=another_gateway(), number=2)
    Peer.objects.filter(pk=peer.pk).update(address=address)
    return f"peer:{peer.pk}"


def scattered_devices(books: Books) -> str:
    subscription, gateway = subscription_of(books.served), another_gateway()
    address = Address.objects.create(gateway=gateway, number=2)
    Peer.objects.create(
        subscription=subscription,
        gateway=gateway,
        address=address,
        device_name="laptop",
        public_key="somebody's",
    )
    return f"subscription:{subscription.pk}"


def paid_without_activation(books: Books) -> str:
    Purchase.objects.filter(pk=Purchase.id_from(books.waiting.subject)).update(state="paid")
    return f"purchase:{Purchase.id_from(books.waiting.subject)}"


def matched(payment: Payment, amount: int, bucket: str = "matched") -> StatementLine:
    """A line that is matched with a payment's collection."""
    line = a_line(amount=amount, bucket=bucket)
    Match.objects.create(line=line, attempt=payment.attempts.get(), rule="R1", state="confirmed")
    return line


def matched_with_less(books: Books) -> str:
    line = matched(books.credited, (books.credited.paid_amount or 0) - 1)
    return f"line:{line.pk}"


def orders_of_another_sum(books: Books) -> str:
    line = matched(books.credited, (books.credited.paid_amount or 0) + 1)
    Match.objects.filter(line=line).update(rule="R7")
    return f"line:{line.pk}"


def matched_in_another_bucket(books: Books) -> str:
    line = matched(books.credited, books.credited.paid_amount or 0, "paid_no_order")
    return f"line:{line.pk}"


def matched_without_a_match(books: Books) -> str:
    return f"line:{a_line(bucket='matched').pk}"


@dataclass(frozen=True, slots=True)
class Break:
    """One way to break one invariant; `also` are those that cannot hold then either."""

    id: str
    by: Callable[[Books], str]
    also: frozenset[str] = frozenset()


def a_closed_day(books: Books, day: date, **told: Any) -> DayClose:
    """As closing leaves it; `told` is what its certificate says otherwise."""
    closed = DayClose.objects.create(
        provider="tigo_pesa", kind="collection", day=day, state=DayClose.State.CLOSED
    )
    certificate = Certificate(
        day_close=closed,
        version=1,
        figures={},
        lines_hash=lines_hash_of(till_of("tigo_pesa", "collection"), day),
        closed_by=books.served.payer,
    )
    certificate.hash = hash_of(certificate)
    for name, value in told.items():
        setattr(certificate, name, value)
    certificate.save()
    return closed


def changed_certificate(books: Books) -> str:
    return a_closed_day(books, date(2026, 3, 2), note="written later").subject


def certificate_left_out(books: Books) -> str:
    """The second day's certificate knows nothing of the first one's."""
    a_closed_day(books, date(2026, 3, 2))
    return a_closed_day(books, date(2026, 3, 3)).subject


def lines_told_otherwise(books: Books) -> str:
    """After the day was closed, and nobody has noticed."""
    line = a_line(bucket="paid_no_order", provider="tigo_pesa")
    closed = a_closed_day(books, business_day(line.completed_at))
    StatementLine.objects.filter(pk=line.pk).update(amount=line.amount + 1)
    return closed.subject


def closed_without_certificate(books: Books) -> str:
    return DayClose.objects.create(
        provider="tigo_pesa", kind="collection", day=date(2026, 3, 2), state=DayClose.State.CLOSED
    ).subject


def backdated(books: Books) -> str:
    book("odd", (ledger.REVENUE, 5), value_at=timezone.now() - timedelta(days=1))
    return "posting:odd"


def sale_without_fiscal_record(books: Books) -> str:
    purchase = Purchase.objects.get(pk=Purchase.id_from(books.served.subject))
    Activation.objects.filter(purchase=purchase).update(
        created_at=timezone.now() - timedelta(minutes=16)
    )
    return purchase.subject


def fiscal_record_of_another_amount(books: Books) -> str:
    subject = sale_without_fiscal_record(books)
    record_sales()
    FiscalRecord.objects.update(amount=1)
    return subject


BREAKS = [
    Break("I-01", never_followed_up),
    Break("I-01", served_but_when),
    Break("I-01", served_and_given_up),
    Break("I-02", paid_for_something_else, frozenset({"M-11", "M-12"})),
    Break("I-03", unbalanced),
    Break("I-03", without_lines),
    Break("I-04", unguarded),
    Break("I-05", asked_twice),
    Break("I-07", same_receipt),
    Break("I-10a", undone_completion),
    Break("I-10b", undone_transfer),
    Break("I-11", other_currency),
    Break("I-11", paid_before_completion),
    Break("I-12", more_back_than_paid),
    Break("I-13", sent_twice),
    Break("I-14", decided_by_nobody),
    Break("I-14", decided_by_whoever_asked),
    Break("I-15a", forgotten_attempt),
    Break("I-15a", overdue_attempt),
    Break("I-15a", lost_expired_attempt),
    Break("I-15b", overdue_follow_up),
    Break("I-15c", forgotten_transfer),
    Break("I-15d", forgotten_delivery),
    Break("I-15e", forgotten_message),
    Break("I-15f", outlived),
    Break("I-15g", forgotten_receipt),
    Break("I-18", more_data),
    Break("I-18", more_given_than_taken),
    Break("M-01", other_reason),
    Break("M-02", state_by_hand),
    Break("M-03", collection_of_other_attempt),
    Break("M-03", collection_of_unpaid),
    Break("M-04", credit_for_nothing),
    Break("M-05", receipts_used),
    Break("M-05", receipts_of_nobody),
    Break("M-06", credit_below_zero),
    Break("M-07", transfer_account_used),
    Break("M-07", account_of_no_transfer),
    Break("M-08", sent_and_undone),
    Break("M-09", transfer_state_by_hand),
    Break("M-11", activation_of_other_purchase, frozenset({"M-20"})),
    Break("M-12", sale_of_credited),
    Break("M-13", withdrawn_and_usable, frozenset({"I-18", "M-17", "M-21"})),
    Break("M-14", fewer_seats),
    Break("M-15", no_seat),
    Break("M-16", held_though_earned),
    Break("M-17", connected_without_subscription),
    Break("M-18", resting_address_in_use),
    Break("M-18", resting_address_kept),
    Break("G-01", gateway_counts_wrong),
    Break("G-01", digest_of_nobody),
    Break("G-02", address_elsewhere),
    Break("G-03", scattered_devices),
    Break("M-20", paid_without_activation),
    Break("M-21", longer),
    Break("M-21", more_time_than_lent),
    Break("M-22", used_up_and_not_noted),
    Break("M-22", noted_and_not_used_up),
    Break("M-23", used_and_not_counted),
    Break("M-24", counted_twice),
    Break("M-24", first_day_not_from_zero),
    Break("M-25", billed_to_somebody_else),
    Break("M-30", gift_without_place),
    Break("M-30", place_of_a_returned_gift),
    Break("M-31", claimed_without_service),
    Break("M-31", data_claimed_by_another),
    Break("M-32", offered_too_long),
    Break("D-01", changed_certificate),
    Break("D-01", certificate_left_out),
    Break("D-02", closed_without_certificate),
    Break("D-03", backdated),
    Break("D-04", lines_told_otherwise),
    Break("F-01", sale_without_fiscal_record),
    Break("F-01", fiscal_record_of_another_amount),
    Break("M-50", matched_with_less),
    Break("M-50", orders_of_another_sum),
    Break("M-52", matched_in_another_bucket),
    Break("M-52", matched_without_a_match),
]
BY_DROPPING_A_RULE = {"I-06", "M-10", "M-19", "M-51"}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: f"{b.id}-{b.by.__name__}")
def test_what_breaks_an_invariant_is_named(books: Books, broken: Break) -> None:
    subject = broken.by(books)
    found = failing()
    assert subject in found[broken.id]
    assert set(found) == {broken.id} | broken.also


def test_each_invariant_is_broken_by_a_test() -> None:
    assert {each.id for each in BREAKS} | BY_DROPPING_A_RULE == {each.id for each in INVARIANTS}


def test_a_second_live_attempt_is_named_where_the_database_lets_it_in(books: Books) -> None:
    with without(MobileMoneyTransaction, "attempt_one_live_per_payment"):
        second = MobileMoneyTransaction.objects.create(
            payment=books.waiting,
            provider="tigo_pesa",
            dialect="tigo_pesa",
            customer_phone="+255711000000",
            status="pending",
            next_check_at=timezone.now(),
        )
        found = failing()
        second.delete()
    assert set(found) == {"I-06", "M-19"}
    assert of(books.waiting) in found["I-06"]
    assert "constraint:attempt_one_live_per_payment" in found["M-19"]


def test_a_second_line_of_a_payment_is_named_where_the_database_lets_it_in(books: Books) -> None:
    first = matched(books.credited, books.credited.paid_amount or 0)
    with without(Match, "match_holds_attempt"):
        second = matched(books.credited, first.amount)
        found = failing()
        second.matches.all().delete()
        second.delete()
    assert set(found) == {"M-51", "M-19"}
    assert of(books.credited) in found["M-51"]


def test_a_second_open_case_is_named_where_the_database_lets_it_in(books: Books) -> None:
    case = Case.objects.filter(state="open").earliest("id")
    with without(Case, "case_one_open"):
        second = Case.objects.create(kind=case.kind, subject=case.subject)
        found = failing()
        second.delete()
    assert set(found) == {"M-10", "M-19"}
    assert case.subject in found["M-10"]


def test_credit_below_zero_is_honest_while_staff_look_into_its_reversal(books: Books) -> None:
    rows_of(books.credited).update(reversed_at=timezone.now())
    account = ledger.credit_account(books.credited.payer_id)
    case = Case.objects.create(kind=CaseKind.REVERSED, subject=of(books.credited))
    book("odd", (account, 5))
    assert failing() == {}
    resolve_case(case=case, resolution="done")
    assert set(failing()) == {"M-06"}


def test_it_prints_what_breaks_and_how_much_there_is(books: Books) -> None:
    for number in range(3):
        book(f"odd{number}", (ledger.RECEIPTS, 5 + number))
    output, error = told(only=["M-05", "I-15"], limit=2)
    assert error == "1 of 7 invariants do not hold."
    assert "posting:odd1: 6 TZS on receipts are of no completed payment" in output
    assert "odd2" not in output
    assert "2 of 3 shown" in output
    assert "ok   I-15a" in output


def test_it_knows_only_its_own_ids() -> None:
    assert "There is no invariant I-99" in told(only=["I-99"])[1]


def test_a_case_is_open_while_an_invariant_does_not_hold(books: Books) -> None:
    transfers = Transfer.objects.filter(pk=books.queued.pk)
    transfers.update(next_check_at=None)
    for _ in range(2):
        assert check_money() == 1
    case = Case.objects.get(kind=CaseKind.MONEY_CHECK_FAILED)
    assert (case.subject, case.amount, case.state) == ("invariant:I-15c", 400, "open")
    assert books.queued.reference in case.detail
    transfers.update(next_check_at=timezone.now())
    assert check_money() == 0
    case.refresh_from_db()
    assert case.state == "resolved"


def test_the_monitor_hears_of_the_nightly_check(client: Client, books: Books) -> None:
    cache.delete(KEY)
    assert ("konektika_money_check_ok",) not in figures(client)
    check_money()
    assert figures(client)[("konektika_money_check_ok",)] == 1
    attempt_of(asked(Bundle.objects.earliest("id"))).update(next_check_at=None)
    check_money()
    told_now = figures(client)
    assert told_now[("konektika_money_check_ok",)] == 0
    assert 0 <= told_now[("konektika_money_check_age_seconds",)] < 60
