"""The M-Pesa organisation portal's exports that are known: features.md 4.2."""

from __future__ import annotations

# The G2 portal, its shorter cuts, and Vodafone's, which has Currency and Opposite Party.
PORTAL = {
    "receipt": ["Receipt No."],
    "completed_at": ["Completion Time"],
    "status": ["Transaction Status"],
    "paid_in": ["Paid In"],
    "withdrawn": ["Withdrawn"],
    "balance": ["Balance"],
    "reason": ["Reason Type"],
    "details": ["Details"],
    "party": ["Other Party Info", "Opposite Party"],
    "linked_receipt": ["Linked Transaction ID"],
    "reference": ["A/C No."],
    "currency": ["Currency"],
}
LEGACY = {
    "receipt": ["Receipt"],
    "completed_at": ["Date"],
    "status": ["Status"],
    "paid_in": ["Paid In"],
    "withdrawn": ["Withdrawn"],
    "balance": ["Balance"],
    "reason": ["Transaction Type"],
    "details": ["Details"],
    "party": ["Other Party Info"],
}
# By provider and name; a change of what is written here is a new version by staff, or a new name.
BUILT_IN = (
    ("vodacom_mpesa", "Organisation portal", PORTAL),
    ("vodacom_mpesa", "Organisation portal, legacy (G1)", LEGACY),
)
