"""One open case per kind and subject."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from cases.models import Case, CaseKind
from cases.services import open_case, resolve_case

pytestmark = pytest.mark.django_db


def test_the_same_trouble_is_one_open_case() -> None:
    first = open_case(kind=CaseKind.UNDERPAID, subject="payment:1", amount=500)
    assert open_case(kind=CaseKind.UNDERPAID, subject="payment:1") == first
    assert open_case(kind=CaseKind.PAID_TWICE, subject="payment:1") != first
    assert open_case(kind=CaseKind.UNDERPAID, subject="payment:2") != first


def test_the_database_itself_refuses_a_second_open_case() -> None:
    open_case(kind=CaseKind.UNDERPAID, subject="payment:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.create(kind=CaseKind.UNDERPAID, subject="payment:1")


def test_a_resolved_case_is_resolved_once_and_may_come_back() -> None:
    case = open_case(kind=CaseKind.UNDERPAID, subject="payment:1")
    assert resolve_case(case=case, resolution="refunded by hand")
    assert not resolve_case(case=case, resolution="again")
    case.refresh_from_db()
    assert case.resolution == "refunded by hand"
    assert open_case(kind=CaseKind.UNDERPAID, subject="payment:1") != case
