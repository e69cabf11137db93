"""What payments does when accounts tells of a person; registered in `apps.py`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.errors import AccountInUse
from accounts.services.delete_account import Deletion
from payments import ledger
from payments.models import MobileMoneyTransaction, Transfer
from payments.states import LIVE, OPEN_TRANSFERS


def keep_account_with_money(deletion: Deletion) -> None:
    """Raise AccountInUse while money of the person is on its way, or with us."""
    user = deletion.user
    if MobileMoneyTransaction.objects.filter(payment__payer=user, status__in=LIVE).exists():
        raise AccountInUse("A payment of yours is under way. Try again when it is over.")
    if Transfer.objects.filter(payee=user, state__in=OPEN_TRANSFERS).exists():
        raise AccountInUse("Money is on its way to you. Try again when it has arrived.")
    if (credit := ledger.credit_of(user.pk)) > 0:
        raise AccountInUse(
            _("You have TZS {credit:,} of credit: have it sent back or use it first.").format(
                credit=credit
            )
        )
