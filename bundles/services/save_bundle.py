"""Saves what is offered, and keeps what it was from when on."""

from __future__ import annotations

from accounts.models import User
from bundles.models import Bundle, BundleVersion


def save_bundle(bundle: Bundle, *, by: User | None) -> None:
    """Save a new or changed bundle, inside the caller's transaction.

    Purchases that were made keep their own price and terms. `by` is None for the platform itself. A saving that changes nothing of the offer adds no version.
    """
    bundle.save()
    offer = {name: getattr(bundle, name) for name in BundleVersion.OFFER}
    latest = bundle.versions.order_by("-id").values(*BundleVersion.OFFER).first()
    if latest != offer:
        BundleVersion.objects.create(bundle=bundle, by=by, **offer)
