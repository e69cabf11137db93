"""The receipt that a customer names: what we tell of it, and what is mended at once."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.models import User
from payments.models import ReceiptClaim
from payments.services.claims.claim import claim_receipt
from storefront.help import help_with_payment
from storefront.sentences import next_step, sentence
from vpn.diagnosis import diagnose_payment

State = ReceiptClaim.State
# The same for a receipt that nobody knows and for one that is somebody else's.
SENTENCES = {
    State.LOOKING: _(
        "We do not know this receipt as a payment of yours yet. We look for it with the provider and "
        "on its next statements, and tell you by SMS."
    ),
    State.WITH_STAFF: _(
        "We have not found a payment of yours with this receipt yet. A person looks for it now."
    ),
    State.FOUND: _("This receipt is of a payment of yours."),
    State.NOT_FOUND: _("We have found no payment of yours with this receipt."),
}
NEXT_STEPS = {
    State.LOOKING: ("wait", _("Wait for our message before you pay again.")),
    State.WITH_STAFF: ("wait", _("Wait for our message before you pay again.")),
    State.FOUND: ("see_payment", _("See how the payment stands.")),
    State.NOT_FOUND: ("contact_us", _("If you have paid, contact us.")),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the customer reads; `step` is a stable code with its sentence."""

    claim: ReceiptClaim
    text: str
    step: tuple[str, str]
    did: str = ""


def take_receipt(*, customer: User, text: str, provider: str = "") -> Told:
    """Claim a receipt; where it is a payment of the customer's, mend what keeps that from its use.

    Raises ReceiptNotRead, UnknownProvider and TooManyReceipts.
    """
    claim = claim_receipt(customer=customer, text=text, provider=provider)
    if claim.payment is None:
        return tell(claim)
    helped = help_with_payment(customer, claim.payment)
    now = timezone.now()
    return Told(claim, sentence(helped.now, now), next_step(helped.now), helped.did)


def tell(claim: ReceiptClaim) -> Told:
    """How it stands; of a payment, how that stands. Reads only."""
    if claim.payment is None:
        return tell_in_short(claim)
    now = timezone.now()
    found = diagnose_payment(claim.payment, now)
    return Told(claim, sentence(found, now), next_step(found))


def tell_in_short(claim: ReceiptClaim) -> Told:
    """As a list has it, without a look at anything else."""
    code, step = NEXT_STEPS[State(claim.state)]
    return Told(claim, gettext(SENTENCES[State(claim.state)]), (code, gettext(step)))
