"""What is sold and by whom; the other apps import from here."""

from bundles.models.gifts import Gift
from bundles.models.owners import Owner
from bundles.models.renewals import Renewal
from bundles.models.sales import (
    GIGABYTE,
    KEPT_DAYS,
    LAST_PACKET_BYTES,
    OF_ALLOWANCE,
    PICTURES,
    TOLD_PERCENTS,
    Activation,
    Bundle,
    BundleVersion,
    CatalogueVersion,
    FiscalCorrection,
    FiscalRecord,
    Purchase,
    Seat,
    Subscription,
    Terms,
    terms_snapshot,
)

__all__ = [
    "GIGABYTE",
    "KEPT_DAYS",
    "LAST_PACKET_BYTES",
    "OF_ALLOWANCE",
    "PICTURES",
    "TOLD_PERCENTS",
    "Activation",
    "Bundle",
    "BundleVersion",
    "CatalogueVersion",
    "FiscalCorrection",
    "FiscalRecord",
    "Gift",
    "Owner",
    "Purchase",
    "Renewal",
    "Seat",
    "Subscription",
    "Terms",
    "terms_snapshot",
]
