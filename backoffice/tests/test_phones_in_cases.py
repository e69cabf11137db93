"""Numbers in what cases, notes and the audit trail tell: masked as everywhere, shown when that is logged."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from accounts.models import User
from backoffice.models import Note
from backoffice.tests.test_search import signed_in
from backoffice.tests.test_transfers import page
from cases.models import Bulk, Case, CaseEvent
from cases.services import open_case
from payments.models import Payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def phone(paid: Payment) -> str:
    return paid.attempts.get().customer_phone


@pytest.fixture
def case(paid: Payment, phone: str) -> Case:
    """Its detail, a note, a proposal and the log name the customer's number."""
    case = open_case(
        kind="wrong_details", subject=f"payment:{paid.public_id}", detail=f"paid by {phone}"
    )
    author = User.objects.create_user("author@example.test", "x", full_name="Author")
    CaseEvent.objects.create(case=case, verb="noted", by=author, why=f"called {phone}")
    Case.objects.update(proposal=f"of {phone}", proposed_by=author)
    bulk = Bulk.objects.create(
        verb="resolve", key="b", why=f"all of {phone}", by=author, cases=1, amount=1
    )
    CaseEvent.objects.create(case=case, verb="resolved", by=author, why="many", bulk=bulk)
    for subject in (f"payment:{paid.public_id}", f"customer:{paid.payer_id}"):
        Note.objects.create(subject=subject, text=f"rang {phone}", author=author, key=uuid4().hex)
    return case


def pages_of(case: Case, paid: Payment) -> list[str]:
    return [
        "/admin/cases/case/",
        f"/admin/cases/case/{case.pk}/change/",
        "/admin/cases/bulk/",
        f"/admin/cases/bulk/{Bulk.objects.get().pk}/change/",
        f"/admin/payments/payment/{paid.pk}/change/",
        f"/admin/accounts/user/{paid.payer_id}/change/",
    ]


@pytest.mark.parametrize("role", ["support", "finance", "manager", "auditor"])
def test_a_role_that_sees_no_numbers_reads_them_masked(
    case: Case, paid: Payment, phone: str, role: str
) -> None:
    client = signed_in(role=role)
    for path in pages_of(case, paid):
        answer = client.get(path)
        assert answer.status_code in (200, 403), path
        assert phone[3:] not in answer.content.decode(), path


def test_who_sees_numbers_reads_them_whole(case: Case, paid: Payment, phone: str) -> None:
    client = signed_in(role="administrator")
    shown = page(client, f"/admin/cases/case/{case.pk}/change/")
    for text in ("paid by", "called", "of"):
        assert f"{text} {phone}" in shown
    assert f"rang {phone}" in page(client, f"/admin/payments/payment/{paid.pk}/change/")


@pytest.mark.parametrize("verb", ["confirm", "refuse"])
def test_a_verb_of_a_case_asks_without_the_number(case: Case, phone: str, verb: str) -> None:
    shown = page(signed_in(role="manager"), f"/admin/cases/case/{case.pk}/{verb}/")
    assert "proposes: of +255" in shown
    assert phone[3:] not in shown


def test_support_has_the_number_of_a_case_shown_which_is_logged(
    case: Case, paid: Payment, phone: str
) -> None:
    client = signed_in(role="support")
    path = f"/admin/cases/case/{case.pk}/change/"
    show = f"/admin/accounts/user/{paid.payer_id}/show-phone/"
    assert show in page(client, path)
    shown = client.post(show, {"next": path}, follow=True).content.decode()
    assert f"paid by {phone}" in shown
    assert f"called {phone}" in shown
    assert show not in shown
    assert LogEntry.objects.get().change_message.startswith("Showed the phone number")


def test_a_case_of_nobody_offers_no_button(case: Case) -> None:
    Case.objects.update(subject="gateway:1")
    assert "show-phone" not in page(
        signed_in(role="support"), f"/admin/cases/case/{case.pk}/change/"
    )


def test_the_log_of_a_row_is_masked_too(paid: Payment, phone: str) -> None:
    LogEntry.objects.create(
        user=paid.payer,
        content_type=ContentType.objects.get_for_model(Payment),
        object_id=str(paid.pk),
        action_flag=2,
        change_message=f"Reason: {phone} rang",
    )
    path = f"/admin/payments/payment/{paid.pk}/history/"
    shown = page(signed_in(role="auditor"), path)
    assert "rang" in shown
    assert phone[3:] not in shown
    assert phone in page(signed_in(role="administrator"), path)
    assert phone[3:] not in page(signed_in(role="auditor"), "/admin/admin/logentry/")
