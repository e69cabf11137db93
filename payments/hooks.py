"""What payments tells the apps that sell. A fact is a payment, its meaning is in its `subject`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.hooks import Hook

if TYPE_CHECKING:
    from payments.models import Payment

completed: Hook[Payment] = Hook("payments.completed")
"""The money is there. Handlers run in the fulfilment's transaction, touch only the database, may be
called again after a failure, and raise `CannotFulfil` when the money has to become credit."""

credited: Hook[Payment] = Hook("payments.credited")
"""The money became the payer's credit instead. Handlers run in the same transaction."""

closed: Hook[Payment] = Hook("payments.closed")
"""The payment failed or expired. Handlers may be called again."""
