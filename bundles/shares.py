"""How the price of a sale is shared out, TZS."""

from __future__ import annotations

from dataclasses import dataclass

from bundles.models import Purchase


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of a price; they sum up to it."""

    tax: int
    commission: int
    owner: int


def shares_of(purchase: Purchase) -> Shares:
    """Tax contained in the price, then the platform's commission; the rest is the owner's."""
    tax = round(purchase.price * purchase.tax_percent / (100 + purchase.tax_percent))
    commission = round((purchase.price - tax) * purchase.commission_percent / 100)
    return Shares(tax, commission, purchase.price - tax - commission)
