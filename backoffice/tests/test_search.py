"""One box finds whatever a customer reads out, for those who may see it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from backoffice.tests.stories import asked, refund
from bundles.tests.factories import a_bundle
from cases.services import open_case
from payments.models import MobileMoneyTransaction, Payment, WebhookDelivery
from payments.tests.factories import a_phone
from payments.tests.outgoing import SENT, FakeProvider, hear
from payments.tests.outgoing import provider as provider
from vpn.models import Peer

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(*permissions: str, role: str = "") -> Client:
    person = User.objects.create_user(f"s{User.objects.count()}@example.test", "x", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    if role:
        person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


def found(client: Client, text: str) -> Any:
    """Where the search leads to: a page's address, or the titles of what is listed by kind."""
    answer: Any = client.get("/admin/search/", {"q": text})
    if answer.status_code == 302:
        return answer.url
    assert answer.status_code == 200
    groups = answer.context["found"].groups
    return {group.title: [hit.title for hit in group.hits] for group in groups}


def page_of(row: Any) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def test_a_phone_in_any_form_leads_to_its_customer(staff: Client, paid: Payment) -> None:
    phone = str(paid.payer.phone)
    national = phone.removeprefix("+255")
    for text in (
        phone,
        phone.removeprefix("+"),
        f"00{phone[1:]}",
        f"0{national}",
        f" 0{national[:3]} {national[3:6]}-{national[6:]} ",
        national,
        paid.payer.email.upper(),
    ):
        assert found(staff, text) == page_of(paid.payer), text


def test_another_phone_that_paid_leads_to_the_customer_and_the_payment(
    staff: Client, paid: Payment
) -> None:
    other = a_phone("tigo_pesa")
    paid.attempts.update(customer_phone=other)
    assert set(found(staff, other)) == {"Customers", "Payments"}


def test_what_names_one_payment_leads_to_it(staff: Client, paid: Payment) -> None:
    attempt = paid.attempts.get()
    attempt.provider_reference = "ws_CO_77"
    attempt.save()
    for text in (
        paid.public_id,
        attempt.reference,
        attempt.reference.lower(),
        "MFS777",
        "mfs777",
        "ws_CO_77",
    ):
        assert found(staff, text) == page_of(paid), text


def test_a_transfer_is_found_by_its_reference(
    provider: FakeProvider, staff: Client, unpaid: MobileMoneyTransaction
) -> None:
    transfer = refund(hear(unpaid.payment, replace(SENT, amount=1000)), 400)
    assert found(staff, transfer.reference) == page_of(transfer)


def test_deliveries_gateways_and_addresses_are_found(staff: Client, paid: Payment) -> None:
    peer = Peer.objects.get()
    peer.gateway.range6 = "fd00:8::/112"
    peer.gateway.save()
    delivery = WebhookDelivery.objects.get()
    assert found(staff, str(delivery.pk)) == page_of(delivery)
    assert found(staff, peer.gateway.name) == page_of(peer.gateway)
    assert found(staff, peer.public_key) == page_of(peer)
    for address in peer.tunnel_addresses:
        assert found(staff, address.partition("/")[0]) == page_of(peer), address
    Peer.objects.update(state="revoked", revoked_at=peer.created_at)
    assert found(staff, "10.8.0.2") == page_of(peer)
    assert found(staff, "10.8.0.3") == {}


def test_a_case_is_found_by_what_it_is_about(staff: Client) -> None:
    case = open_case(kind="gateway_trouble", subject="gateway:77")
    assert found(staff, "gateway:77") == page_of(case)
    assert found(staff, "77") == page_of(case)


def test_names_are_looked_for_when_nothing_else_fits(staff: Client, paid: Payment) -> None:
    User.objects.filter(pk=paid.payer_id).update(full_name="Neema Mushi")
    assert found(staff, "neema") == {"Customers": ["Neema Mushi"]}
    assert found(staff, "mushi") == {}
    assert found(staff, "n") == {}
    assert found(staff, "") == {}


def test_each_sees_only_what_they_may(paid: Payment) -> None:
    attempt = paid.attempts.get()
    phone = attempt.customer_phone
    assert found(signed_in("view_peer"), attempt.reference) == {}
    assert found(signed_in("view_user"), phone) == page_of(paid.payer)
    assert found(signed_in("view_payment"), phone) == page_of(paid)
    assert Client().get("/admin/search/", {"q": phone}).status_code == 302
    assert "login" in Client().get("/admin/search/", {"q": phone})["Location"]


def test_numbers_are_masked_by_role(paid: Payment) -> None:
    User.objects.filter(pk=paid.payer_id).update(full_name="Neema Mushi")
    phone = str(paid.payer.phone)
    for role, is_whole in (("support", False), ("finance", False), ("administrator", True)):
        shown = signed_in(role=role).get("/admin/search/", {"q": "Neema"}).content.decode()
        assert "Neema Mushi" in shown
        assert (phone in shown) == is_whole, role


def test_a_long_list_is_cut_and_says_where_the_rest_is(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    bundle, other = a_bundle(), a_phone("tigo_pesa")
    for _ in range(3):
        asked(bundle).attempts.update(customer_phone=other)
    with django_assert_max_num_queries(30) as few:
        staff.get("/admin/search/", {"q": other})
    for _ in range(9):
        asked(bundle).attempts.update(customer_phone=other)
    with django_assert_max_num_queries(len(few)):
        answer = staff.get("/admin/search/", {"q": other})
    assert len(found(staff, other)["Payments"]) == 10
    assert f"/admin/payments/payment/?q=%2B{other[1:]}" in answer.content.decode()
