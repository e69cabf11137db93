"""How the subjects of cases become links: every prefix that an app above `cases` names them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.urls import NoReverseMatch, reverse

from bundles.models import Bundle, Purchase, Subscription
from cases.subjects import Finder, Subject, register
from common.admin import row_key
from payments.models import Bill, Payment, ReceiptClaim, StatementLine, Transfer, WebhookDelivery
from vpn.models import Gateway, Peer


def register_subjects() -> None:
    register("payment", _payment)
    register("transfer", _transfer)
    register("bill", _bill)
    register("delivery", _delivery)
    register("line", _line)
    claims = ReceiptClaim.objects.all()
    register("receipt", _by_key(claims, "receipt", _customer))
    register("gateway", _by_key(Gateway.objects.all(), "gateway"))
    peers = Peer.objects.select_related("subscription")
    register("peer", _by_key(peers, "peer", lambda peer: peer.subscription.customer_id))
    purchases, subscriptions = Purchase.objects.all(), Subscription.objects.all()
    register("purchase", _by_key(purchases, "purchase", _customer))
    register("subscription", _by_key(subscriptions, "subscription", _customer))
    register("bundle", _by_key(Bundle.objects.all(), "bundle"))


def _payment(public_id: str) -> Subject | None:
    payment = Payment.objects.select_related("payer").filter(public_id=public_id).first()
    if payment is None:
        return None
    what = f"{payment.amount:,} TZS of {payment.payer}, {payment.get_state_display().lower()}"
    return Subject(f"Payment of {what}", _page(payment), payment.payer_id)


def _transfer(reference: str) -> Subject | None:
    transfer = Transfer.objects.select_related("payee").filter(reference=reference).first()
    if transfer is None:
        return None
    kind, state = transfer.get_kind_display(), transfer.get_state_display().lower()
    what = f"{kind} {reference} of {transfer.amount:,} TZS to {transfer.payee}, {state}"
    return Subject(what, _page(transfer), transfer.payee_id)


def _bill(name: str) -> Subject | None:
    """Our id of it, or `<provider>:<receipt>`."""
    provider, is_receipt, receipt = name.partition(":")
    found = Q(provider=provider, receipt=receipt) if is_receipt else Q(our_id=name)
    bill = Bill.objects.filter(found).first()
    if bill is None:
        return None
    return Subject(f"Bill {bill.receipt} of {bill.amount:,} TZS", _page(bill), bill.payer_id)


def _delivery(name: str) -> Subject | None:
    """`<dialect>:<what the provider calls it>`: no row, but the list can be searched for it."""
    dialect, _, named = name.partition(":")
    return Subject(f"Callback {named} of {dialect}", _list(WebhookDelivery, named))


def _line(key: str) -> Subject | None:
    """A statement's line: its page shows what may match it, with the difference."""
    line = StatementLine.objects.filter(_key(key)).first()
    if line is None:
        return None
    what = f"Statement line {line.receipt} of {line.amount:,} {line.currency}"
    return Subject(what, _decide(line) or _page(line))


def _by_key(
    rows: QuerySet[Any], noun: str, person: Callable[[Any], int | None] = lambda row: None
) -> Finder:
    def find(key: str) -> Subject | None:
        row = rows.filter(_key(key)).first()
        return Subject(f"{noun.capitalize()} {row}", _page(row), person(row)) if row else None

    return find


def _customer(row: Purchase | Subscription | ReceiptClaim) -> int:
    return row.customer_id


def _key(key: str) -> Q:
    number = row_key(key)
    return Q(pk__in=[] if number is None else [number])


def _decide(line: StatementLine) -> str:
    try:
        return reverse("admin:payments_statementline_decide", args=[line.pk])
    except NoReverseMatch:
        return ""


def _page(row: Model) -> str:
    try:
        return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def _list(model: type[Model], term: str) -> str:
    page = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
    return f"{page}?{urlencode({'q': term})}"
