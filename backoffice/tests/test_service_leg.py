"""Money against service: staff learn of each difference, and that it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from backoffice.service_leg import check_service_leg
from bundles.models import Activation, Subscription
from cases.models import Case, CaseKind
from payments.models import Disposition, MobileMoneyTransaction, Payment
from payments.states import State


def kinds() -> set[str]:
    return set(Case.objects.filter(state="open").values_list("kind", flat=True))


def test_a_sale_that_is_paid_and_active_is_no_case(paid: Payment) -> None:
    assert check_service_leg() == 0
    assert not Case.objects.exists()


def test_who_has_paid_and_has_nothing_waits_after_a_quarter_of_an_hour(
    unpaid: MobileMoneyTransaction,
) -> None:
    payment = Payment.objects.filter(pk=unpaid.payment_id)
    payment.update(state=State.COMPLETED, paid_amount=1000, paid_at=timezone.now())
    assert check_service_leg() == 0
    payment.update(paid_at=timezone.now() - timedelta(minutes=16))
    assert check_service_leg() == 1
    case = Case.objects.get()
    assert (case.kind, case.customer_waits) == (CaseKind.PAID_NOT_ACTIVATED, True)
    payment.update(disposition=Disposition.FULFILLED, fulfilled_at=timezone.now())
    assert check_service_leg() == 0
    assert Case.objects.get().state == "resolved"


def test_what_is_active_and_used_and_not_paid(paid: Payment) -> None:
    Payment.objects.update(
        state=State.FAILED, disposition=Disposition.OPEN, paid_amount=None, paid_at=None
    )
    check_service_leg()
    assert kinds() == {CaseKind.ACTIVATED_NOT_PAID}
    Subscription.objects.update(data_used_bytes=5)
    check_service_leg()
    assert kinds() == {CaseKind.ACTIVATED_NOT_PAID, CaseKind.USED_NOT_PAID}
    check_service_leg()
    assert Case.objects.count() == 2


def test_a_withdrawn_sale_is_neither(paid: Payment) -> None:
    Payment.objects.update(reversed_at=timezone.now())
    Activation.objects.update(withdrawn_at=timezone.now())
    Subscription.objects.update(data_used_bytes=5)
    assert check_service_leg() == 0


def long_ago() -> None:
    """What was sold was sold and over a month ago, and nobody has touched it since."""
    then = timezone.now() - timedelta(days=30)
    Activation.objects.update(created_at=then)
    Subscription.objects.update(
        starts_at=then - timedelta(days=1), ends_at=then, state="ended", data_used_bytes=5
    )
    Payment.objects.update(updated_at=then)


def lose(**more: Any) -> None:
    Payment.objects.update(
        state=State.FAILED, disposition=Disposition.OPEN, paid_amount=None, paid_at=None, **more
    )


def test_what_nobody_has_touched_for_long_is_not_looked_at_again(paid: Payment) -> None:
    long_ago()
    lose()
    assert check_service_leg() == 0


def test_old_service_whose_money_is_lost_now_is_found(paid: Payment) -> None:
    long_ago()
    lose(updated_at=timezone.now())
    check_service_leg()
    assert kinds() == {CaseKind.ACTIVATED_NOT_PAID, CaseKind.USED_NOT_PAID}


def test_what_has_a_case_keeps_it_however_old_it_is(paid: Payment) -> None:
    lose()
    Subscription.objects.update(data_used_bytes=5)
    assert check_service_leg() == 2
    long_ago()
    assert check_service_leg() == 2
    Payment.objects.update(
        state=State.COMPLETED, disposition=Disposition.FULFILLED, paid_amount=1000
    )
    assert check_service_leg() == 0


def test_what_has_changed_twice_has_one_case(paid: Payment) -> None:
    lose(updated_at=timezone.now())
    assert check_service_leg() == check_service_leg() == 1
    assert Case.objects.count() == 1
