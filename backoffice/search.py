"""Finds whatever a customer or a colleague reads out: exact look-ups by indexes, then names.

Each kind of row is looked for by one query a column and read by one more: never by one a row.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localtime

from accounts.models import User
from cases.models import Case
from common import phone as phones
from common.shown_phone import shown_phone, shown_text
from payments.models import (
    Bill,
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    StatementLine,
    Transfer,
    WebhookDelivery,
)
from vpn.models import Gateway, Peer

SHOWN = 10  # of each kind; more by the link to its list
SHORTEST_NAME = 2  # letters
DIGITS_MAX = 18  # of a primary key


@dataclass(frozen=True)
class Term:
    """What was typed, and what it could mean."""

    text: str

    @cached_property
    def spellings(self) -> list[str]:
        """References are compared letter by letter; who reads one out does not say its case."""
        return list(dict.fromkeys([self.text, self.text.upper(), self.text.lower()]))

    @cached_property
    def phone(self) -> str | None:
        with suppress(phones.InvalidPhoneNumber):
            return phones.parse(self.text)
        return None

    @cached_property
    def email(self) -> str | None:
        return self.text.lower() if "@" in self.text else None

    @cached_property
    def key(self) -> int | None:
        """A primary key, where it cannot be a phone."""
        is_number = self.text.isascii() and self.text.isdigit() and len(self.text) <= DIGITS_MAX
        return int(self.text) if is_number and self.phone is None else None

    @cached_property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        with suppress(ValueError):
            return ipaddress.ip_address(self.text.partition("/")[0])
        return None


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that was found, as the page shows it."""

    url: str
    title: str
    detail: str
    matched: str
    is_named: bool


@dataclass(slots=True)
class Group:
    """The rows of one kind; `more` is the list that shows the others, "" when these are all."""

    title: str
    hits: list[Hit] = field(default_factory=list)
    more: str = ""


# A look-up gives rows, None where the term cannot mean such a thing.
LookUp = Callable[[Term], "QuerySet[Any] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One column by which a kind is found. `names`: the term then means this row and no other."""

    matched: str
    look_up: LookUp
    column: str = "pk"
    names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of row: who may see it, how it is found, and what is told of it."""

    model: type[Model]
    title: str
    ways: tuple[Way, ...]
    told: Callable[[Any, HttpRequest], tuple[str, str]]
    joined: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        meta = self.model._meta
        return f"admin:{meta.app_label}_{meta.model_name}"

    def may_see(self, request: HttpRequest) -> bool:
        meta = self.model._meta
        return admin.site.is_registered(self.model) and bool(
            request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. By name, nothing is certain."""

    groups: list[Group]
    is_by_name: bool = False

    @property
    def only(self) -> Hit | None:
        """The one row that the term names, or the one row that there is."""
        hits = [hit for group in self.groups for hit in group.hits]
        named = [hit for hit in hits if hit.is_named]
        if len(named) == 1:
            return named[0]
        return hits[0] if len(hits) == 1 and not self.is_by_name else None


def search(text: str, request: HttpRequest) -> Found:
    """What this person may see of what the text could mean; names only where nothing else fits."""
    term = Term(text.strip())
    if not term.text:
        return Found([])
    if groups := _groups(KINDS, term, request):
        return Found(groups)
    return Found(_groups([CUSTOMERS_BY_NAME], term, request), is_by_name=True)


def _groups(kinds: Sequence[Kind], term: Term, request: HttpRequest) -> list[Group]:
    found = (_found(kind, term, request) for kind in kinds if kind.may_see(request))
    return [group for group in found if group.hits]


def _found(kind: Kind, term: Term, request: HttpRequest) -> Group:
    matched: dict[int, tuple[list[str], bool]] = {}
    for way, key in _keys(kind, term):
        names, is_named = matched.get(key, ([], False))
        matched[key] = [*names, way.matched], is_named or way.names
    chosen = sorted(matched, reverse=True)
    rows = _rows(kind, chosen[:SHOWN]) if chosen else {}
    group = Group(kind.title)
    for key, row in rows.items():
        title, detail = kind.told(row, request)
        names, is_named = matched[key]
        url = reverse(f"{kind.path}_change", args=[key])
        group.hits.append(Hit(url, title, detail, ", ".join(names), is_named))
    if len(chosen) > SHOWN:
        group.more = f"{reverse(f'{kind.path}_changelist')}?{urlencode({'q': term.text})}"
    return group


def _keys(kind: Kind, term: Term) -> Iterator[tuple[Way, int]]:
    """The newest rows by each way: primary keys."""
    for way in kind.ways:
        rows = way.look_up(term)
        if rows is None:
            continue
        keys = rows.order_by("-pk").values_list(way.column, flat=True)[: SHOWN + 1]
        for key in dict.fromkeys(keys):
            if key is not None:
                yield way, key


def _rows(kind: Kind, keys: list[int]) -> dict[int, Any]:
    rows = kind.model._default_manager.select_related(*kind.joined).defer(*kind.deferred)
    found = rows.in_bulk(keys)
    return {key: found[key] for key in keys if key in found}


def _attempts(**columns: Any) -> QuerySet[MobileMoneyTransaction]:
    return MobileMoneyTransaction.objects.filter(**columns)


def _by_receipt(rows: QuerySet[Any], column: str) -> LookUp:
    """By a provider's id, whose index begins with the provider."""
    return lambda term: rows.filter(
        **{"provider__in": ProviderName.values, f"{column}__in": term.spellings}
    )


def _by_reference(rows: QuerySet[Any], column: str = "reference") -> LookUp:
    return lambda term: rows.filter(**{f"{column}__in": term.spellings})


def _by_phone(rows: QuerySet[Any], column: str) -> LookUp:
    return lambda term: rows.filter(**{column: term.phone}) if term.phone else None


def _by_email(rows: QuerySet[Any], column: str) -> LookUp:
    return lambda term: rows.filter(**{column: term.email}) if term.email else None


def _with_address(term: Term) -> QuerySet[Peer] | None:
    """Devices that have or had the tunnel address."""
    if term.address is None:
        return None
    at = Q(pk__in=())
    for gateway in Gateway.objects.only("range4", "range6"):
        number = gateway.number_of(term.address)
        if number is not None:
            at |= Q(address__gateway=gateway.pk, address__number=number)
    return Peer.objects.filter(at)


def _by_name(term: Term) -> QuerySet[User] | None:
    if len(term.text) < SHORTEST_NAME:
        return None
    return User.objects.filter(full_name__istartswith=term.text)


def _by_key(rows: QuerySet[Any]) -> LookUp:
    return lambda term: rows.filter(pk=term.key) if term.key is not None else None


def _about(term: Term) -> QuerySet[Case]:
    """Cases about the thing of this name, written with its kind or without."""
    if ":" in term.text:
        return Case.objects.filter(subject__in=term.spellings)
    kinds = ("payment", "transfer", "peer", "gateway", "bill", "delivery", "line")
    names = [f"{kind}:{text}" for kind in kinds for text in term.spellings]
    return Case.objects.filter(subject__in=names)


def _customer(user: User, request: HttpRequest) -> tuple[str, str]:
    phone = shown_phone(request, user.phone, user.pk)
    return str(user), " · ".join(filter(None, [phone, user.email, user.get_role_display()]))


def _payment(payment: Payment, request: HttpRequest) -> tuple[str, str]:
    when = f"{localtime(payment.created_at):%d.%m.%Y %H:%M}"
    what = f"{payment.amount:,} TZS by {payment.get_payment_method_display()}"
    became = payment.get_disposition_display() if payment.disposition else ""
    state = payment.get_state_display()
    return f"{what}, {when}", " · ".join(filter(None, [str(payment.payer), state, became]))


def _transfer(transfer: Transfer, request: HttpRequest) -> tuple[str, str]:
    what = f"{transfer.get_kind_display()} {transfer.reference} of {transfer.amount:,} TZS"
    phone = shown_phone(request, transfer.phone, transfer.payee_id)
    return what, f"{transfer.payee} · {phone} · {transfer.get_state_display()}"


def _bill(bill: Bill, request: HttpRequest) -> tuple[str, str]:
    what = f"{bill.receipt}: {bill.amount:,} TZS by {bill.get_provider_display()}"
    phone = shown_text(request, bill.msisdn)
    return what, " · ".join(filter(None, [phone, bill.bill_reference, bill.get_state_display()]))


def _line(line: StatementLine, request: HttpRequest) -> tuple[str, str]:
    when = f"{localtime(line.completed_at):%d.%m.%Y %H:%M}"
    what = f"{line.receipt}: {line.amount:+,} TZS by {line.get_provider_display()}, {when}"
    return what, line.get_bucket_display()


def _peer(peer: Peer, request: HttpRequest) -> tuple[str, str]:
    addresses = ", ".join(address.partition("/")[0] for address in peer.tunnel_addresses)
    until = f" until {localtime(peer.revoked_at):%d.%m.%Y %H:%M}" if peer.revoked_at else ""
    had = f"{addresses} on {peer.gateway} since {localtime(peer.created_at):%d.%m.%Y %H:%M}{until}"
    customer = peer.subscription.customer
    return f"{peer.device_name} of {customer}", f"{peer.get_state_display()} · {had}"


def _gateway(gateway: Gateway, request: HttpRequest) -> tuple[str, str]:
    return gateway.name, f"{gateway.get_state_display()} · {gateway.peers_served:,} devices"


def _delivery(delivery: WebhookDelivery, request: HttpRequest) -> tuple[str, str]:
    when = f"{localtime(delivery.received_at):%d.%m.%Y %H:%M:%S}"
    return f"Delivery {delivery.pk}, {when}", f"{delivery.dialect} · {delivery.get_state_display()}"


def _case(case: Case, request: HttpRequest) -> tuple[str, str]:
    detail = shown_text(request, case.detail)
    return str(case), " · ".join(filter(None, [case.get_state_display(), detail]))


KINDS = (
    Kind(
        model=User,
        title="Customers",
        told=_customer,
        ways=(
            Way(matched="phone", look_up=_by_phone(User.objects.all(), "phone"), names=True),
            Way(matched="e-mail", look_up=_by_email(User.objects.all(), "email"), names=True),
            Way(
                matched="a phone that paid",
                look_up=_by_phone(_attempts(), "customer_phone"),
                column="payment__payer_id",
            ),
        ),
    ),
    Kind(
        model=Payment,
        title="Payments",
        told=_payment,
        joined=("payer",),
        ways=(
            Way(
                matched="payment id",
                look_up=_by_reference(Payment.objects.all(), "public_id"),
                names=True,
            ),
            Way(
                matched="our reference",
                look_up=_by_reference(_attempts()),
                column="payment_id",
                names=True,
            ),
            Way(
                matched="receipt",
                look_up=_by_receipt(_attempts(), "provider_transaction_id"),
                column="payment_id",
                names=True,
            ),
            Way(
                matched="provider's id",
                look_up=_by_receipt(_attempts(), "provider_reference"),
                column="payment_id",
                names=True,
            ),
            Way(
                matched="phone asked",
                look_up=_by_phone(_attempts(), "customer_phone"),
                column="payment_id",
            ),
            Way(
                matched="customer's phone",
                look_up=_by_phone(Payment.objects.all(), "payer__phone"),
            ),
            Way(
                matched="customer's e-mail",
                look_up=_by_email(Payment.objects.all(), "payer__email"),
            ),
        ),
    ),
    Kind(
        model=Transfer,
        title="Transfers",
        told=_transfer,
        joined=("payee",),
        ways=(
            Way(matched="reference", look_up=_by_reference(Transfer.objects.all()), names=True),
            Way(
                matched="receipt",
                look_up=_by_receipt(Transfer.objects.all(), "provider_transaction_id"),
                names=True,
            ),
            Way(matched="phone", look_up=_by_phone(Transfer.objects.all(), "phone")),
            Way(
                matched="customer's e-mail",
                look_up=_by_email(Transfer.objects.all(), "payee__email"),
            ),
        ),
    ),
    Kind(
        model=Bill,
        title="Bills",
        told=_bill,
        ways=(
            Way(matched="our id", look_up=_by_reference(Bill.objects.all(), "our_id"), names=True),
            Way(
                matched="receipt",
                look_up=_by_receipt(Bill.objects.filter(payment=None), "receipt"),
                names=True,
            ),
            Way(
                matched="what was dialled",
                look_up=_by_reference(Bill.objects.all(), "bill_reference"),
            ),
            Way(
                matched="phone",
                look_up=lambda term: (
                    Bill.objects.filter(msisdn=phones.msisdn(term.phone)) if term.phone else None
                ),
            ),
        ),
    ),
    Kind(
        model=StatementLine,
        title="Statement lines",
        told=_line,
        ways=(
            Way(
                matched="receipt",
                look_up=lambda term: StatementLine.objects.filter(receipt=term.text.upper()),
            ),
            Way(
                matched="our reference",
                look_up=_by_reference(StatementLine.objects.all()),
            ),
        ),
    ),
    Kind(
        model=Peer,
        title="Devices",
        told=_peer,
        joined=("subscription__customer", "gateway", "address"),
        deferred=("private_key", "preshared_key"),
        ways=(
            Way(matched="tunnel address", look_up=_with_address),
            Way(
                matched="public key",
                look_up=lambda term: Peer.objects.filter(live_public_key=term.text),
                names=True,
            ),
            Way(
                matched="customer's phone",
                look_up=_by_phone(Peer.objects.all(), "subscription__customer__phone"),
            ),
            Way(
                matched="customer's e-mail",
                look_up=_by_email(Peer.objects.all(), "subscription__customer__email"),
            ),
        ),
    ),
    Kind(
        model=Gateway,
        title="Gateways",
        told=_gateway,
        ways=(
            Way(
                matched="name",
                look_up=lambda term: Gateway.objects.filter(name__in=term.spellings),
                names=True,
            ),
        ),
    ),
    Kind(
        model=WebhookDelivery,
        title="Deliveries",
        told=_delivery,
        deferred=("body", "headers"),
        ways=(
            Way(matched="delivery id", look_up=_by_key(WebhookDelivery.objects.all()), names=True),
        ),
    ),
    Kind(
        model=Case,
        title="Cases",
        told=_case,
        ways=(
            Way(matched="subject", look_up=_about),
            Way(matched="case id", look_up=_by_key(Case.objects.all())),
        ),
    ),
)
CUSTOMERS_BY_NAME = Kind(
    model=User,
    title="Customers",
    told=_customer,
    ways=(Way(matched="name", look_up=_by_name),),
)
