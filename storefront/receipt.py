"""A payment's receipt as PDF, with the tax that its price contains.

Whoever imports this waits for Pillow and fontTools: only its door does.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from bundles.models import FiscalRecord, Purchase
from bundles.shares import shares_of
from common import phone as phones
from common.paper import Paper
from payments.models import Disposition, Payment
from payments.selectors import receipt_of
from storefront.errors import NoReceipt

WIDTHS = (60, 130)


def receipt_pdf(payment: Payment) -> bytes:
    """One page of A4. Raises NoReceipt for what was not paid, or bought nothing."""
    if payment.disposition != Disposition.FULFILLED:
        raise NoReceipt("Only what was paid and served has a receipt.")
    purchase = Purchase.objects.select_related("bundle__owner", "customer").get(
        pk=Purchase.id_from(payment.subject)
    )
    title = _("Receipt")
    paper = Paper(title)
    paper.heading(f"Konektika: {title}")
    paper.rows(list(_facts(payment, purchase)), widths=WIDTHS)
    return bytes(paper.output())


def _facts(payment: Payment, purchase: Purchase) -> Iterator[tuple[str, str]]:
    paid_at = payment.paid_at or payment.created_at
    local = paid_at.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE))
    receipt = receipt_of(payment)
    shares = shares_of(purchase)
    yield _("Receipt"), receipt.number or payment.public_id
    yield _("Paid at"), f"{local:%d.%m.%Y %H:%M:%S}"
    yield _("Paid by"), f"{payment.get_payment_method_display()} {_masked(receipt.phone)}".strip()
    yield _("Customer"), purchase.customer.full_name
    yield _("Sold by"), purchase.bundle.owner.full_name
    yield _("Bundle"), purchase.bundle.name
    yield _("Data, GB"), f"{purchase.data_limit_gb:,}"
    yield _("Days"), f"{purchase.duration_days:,}"
    yield _("Price, TZS"), f"{purchase.price:,}"
    if purchase.tax_percent:
        words = _("Tax contained, {percent} %").format(percent=purchase.tax_percent)
        yield words, f"{shares.tax:,}"
    if payment.from_credit:
        yield _("Of it from credit, TZS"), f"{payment.from_credit:,}"
    record = FiscalRecord.objects.filter(payment=payment).defer("document").first()
    if record is not None and record.number:
        yield _("Fiscal receipt"), f"{record.number} {record.verification_code}".strip()


def _masked(phone: str) -> str:
    return phones.mask(phone) if phone else ""
