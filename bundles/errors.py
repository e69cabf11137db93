"""Why something cannot be bought, as the customer is told."""

from __future__ import annotations

from common.errors import DomainError


class BundleNotFound(DomainError):
    code = "bundle_not_found"
    status = 404


class BundleUnavailable(DomainError):
    code = "bundle_unavailable"
    status = 409


class BundleSoldOut(DomainError):
    code = "bundle_sold_out"
    status = 409


class EarlierPaymentUnresolved(DomainError):
    """An expired payment for the same purchase may still go through; asking again confirms."""

    code = "earlier_payment_unresolved"
    status = 409


class SubscriptionNotFound(DomainError):
    code = "subscription_not_found"
    status = 404


class SubscriptionOver(DomainError):
    """Only what one still has can be bought again by itself, or given away."""

    code = "subscription_over"
    status = 409


class NotAnOwner(DomainError):
    """The person may not sell: not approved, not any more, or never asked."""

    code = "not_an_owner"
    status = 403


class ApplicationExists(DomainError):
    code = "application_exists"
    status = 409


class MoreThanTheConnection(DomainError):
    """The bundles together promise more than the owner's connection carries."""

    code = "more_than_the_connection"


class InvalidOffer(DomainError):
    code = "invalid_offer"


class InvalidPicture(DomainError):
    code = "invalid_picture"


class NotDecidable(DomainError):
    """The owner is in no state that this decision fits."""

    code = "not_decidable"
    status = 409


class PaymentNotFound(DomainError):
    code = "payment_not_found"
    status = 404


class GiftNotFound(DomainError):
    """There is none, or it is somebody else's: nobody learns which."""

    code = "gift_not_found"
    status = 404


class GiftAlreadyClaimed(DomainError):
    code = "gift_already_claimed"
    status = 409


class GiftReturned(DomainError):
    """Nobody claimed it in time, its giver took it back, or its money is gone."""

    code = "gift_returned"
    status = 409


class GiftToOneself(DomainError):
    code = "gift_to_oneself"


class MoreThanIsLeft(DomainError):
    """Nobody gives data away that they do not have, nor the last of it."""

    code = "more_than_is_left"
    status = 409


class TooManyGifts(DomainError):
    code = "too_many_gifts"
    status = 429


class SubscriptionNotBegun(DomainError):
    """Its days count from the first connection, which has not been."""

    code = "subscription_not_begun"
    status = 409
