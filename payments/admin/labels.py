"""The colours of states, the same on every page."""

STATE_LABELS = {
    "initiated": "info",
    "pending": "info",
    "completed": "success",
    "failed": "danger",
    "expired": "warning",
}

TRANSFER_LABELS = {
    "requested": "warning",
    "queued": "info",
    "pending": "info",
    "succeeded": "success",
    "failed": "danger",
    "rejected": "danger",
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

BILL_LABELS = {
    "taken": "success",
    "refused": "danger",
    "suspense": "warning",
    "placed": "success",
}

STATEMENT_LABELS = {
    "waiting": "info",
    "reading": "info",
    "read": "success",
    "refused": "danger",
}

MATCH_LABELS = {
    "confirmed": "success",
    "suggested": "warning",
    "undone": "danger",
}

CLAIM_LABELS = {
    "looking": "info",
    "with_staff": "warning",
    "found": "success",
    "not_found": "danger",
}

CREDIT_LABELS = {
    "asked": "warning",
    "approved": "success",
    "rejected": "danger",
}
