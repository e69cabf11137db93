"""The colours of states, the same on every page."""

STATE_LABELS = {
    "initiated": "info",
    "pending": "info",
    "completed": "success",
    "failed": "danger",
    "expired": "warning",
}

DELIVERY_LABELS = {
    "received": "info",
    "applied": "success",
    "repeated": "success",
    "hint": "warning",
    "unmatched": "danger",
    "malformed": "danger",
    "refused": "danger",
}
