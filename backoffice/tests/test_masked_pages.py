"""Whoever may not read phones whole finds none on any page, wherever a text has got one into the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import User
from backoffice.tests import stories
from backoffice.tests.test_search import signed_in
from bundles.models import Gift, Purchase
from bundles.tests.factories import a_bundle
from cases.services import open_case
from payments.models import (
    Bill,
    Bucket,
    FaultyRow,
    LineVersion,
    Match,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    ProviderCall,
    StatementFile,
    StatementLine,
    Transfer,
    TransferEvent,
    WebhookDelivery,
)
from payments.tests.outgoing import SENT, FakeProvider, hear
from payments.tests.outgoing import provider as provider
from vpn.models import Gateway, Peer

ROWS = 5  # of each table, the newest


@pytest.fixture
def with_phones(provider: FakeProvider, unpaid: MobileMoneyTransaction) -> Payment:
    """The payer's number in every text that a customer, a provider or staff may put one into."""
    paid = hear(unpaid.payment, replace(SENT, amount=1000))
    phone = str(paid.payer.phone)
    digits = phone.removeprefix("+")
    text = f"of {phone}, 0{digits[3:]}"
    bundle = a_bundle()
    stories.fill_float()
    stories._by_the_providers_menu(bundle)
    stories.refund(paid, 200, by=User.objects.latest("pk"))
    Purchase.objects.filter(gift=stories.a_gift(bundle)).update(gift_phone=phone)
    Gift.objects.update(phone=phone)
    Bill.objects.update(msisdn=digits, payer_name=f"JUMA {digits}", bill_reference=digits)
    PaymentEvent.objects.create(payment=paid, to_state=paid.state, source="webhook", evidence=text)
    WebhookDelivery.objects.create(
        dialect="tigo_pesa",
        trust=WebhookDelivery.Trust.SECRET_PATH,
        note=text,
        body=text.encode(),
        body_bytes=len(text),
        headers={"X": text},
        attempt=unpaid,
    )
    transfer = Transfer.objects.get()
    Transfer.objects.update(why=text, phone=phone)
    TransferEvent.objects.create(
        transfer=transfer, to_state=transfer.state, source="staff", evidence=text
    )
    for of in ({"attempt": unpaid}, {"transfer": transfer}):
        ProviderCall.objects.create(**of, kind="query", message=text, response={"text": text})
    file = StatementFile.objects.create(
        provider="tigo_pesa",
        account="600100",
        name="day.csv",
        content=ContentFile(b"nothing", "day.csv"),
        sha256="0" * 64,
        state="read",
    )
    line = StatementLine.objects.create(
        provider="tigo_pesa",
        account="600100",
        receipt="LINE1",
        kind=StatementLine.Kind.COLLECTION,
        is_incoming=True,
        amount=1000,
        completed_at=timezone.now(),
        msisdn=phone,
        party=text,
        details=text,
        reference=digits,
        row_hash="1" * 64,
        file=file,
        row=1,
        bucket=Bucket.PAID_NO_ORDER,
    )
    FaultyRow.objects.create(file=file, row=2, text=f"{'x' * 195} {digits}", why=text)
    LineVersion.objects.create(line=line, version=1, file=file, row=1, was={"msisdn": phone})
    Match.objects.create(
        line=line,
        attempt=unpaid,
        rule=Match.Rule.values[0],
        state=Match.State.SUGGESTED,
        why=text,
    )
    for subject in (
        f"payment:{paid.public_id}",
        f"transfer:{transfer.reference}",
        f"statement:{file.pk}",
        f"gateway:{Gateway.objects.latest('pk').pk}",
        f"peer:{Peer.objects.latest('pk').pk}",
    ):
        open_case(kind="unplaced_money", subject=subject, detail=text)
    return paid


def pages() -> Iterator[str]:
    """Every address of the site's lists and of the newest rows, with all their verbs."""
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        keys = [row.pk for row in newest(model)]
        for pattern in model_admin.get_urls():
            route = str(pattern.pattern)
            if "<" not in route and not route.startswith(("^", "(")):
                yield base + route
            else:
                yield from (base + re.sub(r"<[^>]+>", str(key), route) for key in keys)
    yield from (f"/admin/search/?q={term}" for term in ("LINE1", "Cus"))


def newest(model: type[Model]) -> Any:
    return model._default_manager.order_by("-pk")[:ROWS]


def text_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def numbers() -> set[str]:
    """Of everybody, without what is before the nine digits."""
    asked = MobileMoneyTransaction.objects.values_list("customer_phone", flat=True)
    people = User.objects.exclude(phone=None).values_list("phone", flat=True)
    return {str(phone)[-9:] for phone in (*asked, *people)}


@pytest.mark.parametrize("role", ["support", "finance", "manager", "auditor"])
def test_a_role_that_sees_no_phones_reads_none(role: str, with_phones: Payment) -> None:
    client, wanted, read = signed_in(role=role), numbers(), 0
    for page in pages():
        answer = client.get(page, follow=True)
        assert answer.status_code < 500, page
        if answer.status_code == 200:
            read += 1
            text = text_of(answer)
            assert {number for number in wanted if number in text} == set(), page
    assert read > 40


def test_an_administrator_reads_them(with_phones: Payment) -> None:
    client: Client = signed_in(role="administrator")
    number = str(with_phones.payer.phone)[-9:]
    for page in (
        "payments/statementline/",
        "payments/faultyrow/",
        "payments/bill/",
        "payments/webhookdelivery/",
        "bundles/gift/",
        f"bundles/gift/{Gift.objects.get().pk}/change/",
        f"payments/payment/{with_phones.pk}/change/",
        f"payments/transfer/{Transfer.objects.get().pk}/change/",
        f"payments/match/{Match.objects.get().pk}/line/",
        f"payments/statementline/{StatementLine.objects.get().pk}/change/",
    ):
        assert number in text_of(client.get(f"/admin/{page}", follow=True)), page
