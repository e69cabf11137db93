"""What payments tells the apps that sell. A fact is a payment, its meaning is in its `subject`, or a refund."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.hooks import Hook

if TYPE_CHECKING:
    from payments.models import Payment, Transfer

completed: Hook[Payment] = Hook("payments.completed")
"""The money is there. Handlers run in the fulfilment's transaction, touch only the database, may be
called again after a failure, and raise `CannotFulfil` when the money has to become credit."""

fulfilled: Hook[Payment] = Hook("payments.fulfilled")
"""What the money has bought is committed: the customer can be told. Handlers touch only the database,
and may be called again."""

given_up: Hook[Payment] = Hook("payments.given_up")
"""The money buys nothing: it became the payer's credit or goes back. Handlers run in the same
transaction."""

withdrawn: Hook[Payment] = Hook("payments.withdrawn")
"""The money that has bought something is gone: sent back wholly, or what was unused of it, or reversed
by the provider. Handlers end what it bought, in the same transaction, and may be called again."""

sent_back: Hook[Transfer] = Hook("payments.sent_back")
"""A refund has left us: the provider has confirmed it. Handlers run in the same transaction and touch
only the database."""

closed: Hook[Payment] = Hook("payments.closed")
"""The payment failed or expired. Handlers may be called again."""
