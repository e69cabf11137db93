"""What owners offer: their bundles, within the terms of sale and what their connection carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from bundles.errors import BundleNotFound, InvalidOffer, MoreThanTheConnection
from bundles.models import Bundle, Owner
from bundles.services.owners import approved_for_update
from bundles.services.save_bundle import save_bundle
from common.transactions import retried

MONTH = 30  # days, which the connection's gigabytes are for


@retried
def offer_bundle(*, person: User, offer: Mapping[str, Any]) -> Bundle:
    """A new bundle on sale at once. Raises NotAnOwner, InvalidOffer and MoreThanTheConnection."""
    owner = approved_for_update(person)
    return _save(Bundle(owner=person, **offer), owner)


@retried
def change_offer(*, person: User, bundle_id: int, changes: Mapping[str, Any]) -> Bundle:
    """Change, pause or resume an own bundle; purchases that were made keep their price and terms.

    A payment that waits for its PIN still buys what it was started for. Raises BundleNotFound for
    somebody else's, and what `offer_bundle` raises.
    """
    own_bundle(person, bundle_id)
    owner = approved_for_update(person)
    bundle = Bundle.objects.select_for_update().get(pk=bundle_id)
    for name, value in changes.items():
        setattr(bundle, name, value)
    return _save(bundle, owner)


def own_bundle(person: User, bundle_id: int) -> Bundle:
    """A bundle of this person's. Raises BundleNotFound."""
    bundle = Bundle.objects.filter(pk=bundle_id, owner=person).first()
    if bundle is None:
        raise BundleNotFound("There is no such bundle of yours.")
    return bundle


def _save(bundle: Bundle, owner: Owner) -> Bundle:
    try:
        bundle.full_clean(exclude=["owner", "picture"])
    except ValidationError as error:
        errors = error.message_dict
        raise InvalidOffer(next(iter(errors.values()))[0], errors=errors) from error
    if bundle.is_active:
        _refuse_overselling(bundle, owner)
    save_bundle(bundle, by=owner.person)
    return bundle


def _refuse_overselling(bundle: Bundle, owner: Owner) -> None:
    """Every seat of every bundle on sale, used to the last byte for a month, has to fit."""
    others = Bundle.objects.filter(owner=owner.person_id, is_active=True)
    offered = [bundle, *others.filter(~Q(pk=bundle.pk))]
    seats = sum(each.max_clients for each in offered)
    if seats > owner.connection_seats:
        raise MoreThanTheConnection(
            _(
                "Your bundles have {seats:,} places together; your connection serves {most:,} "
                "customers at once."
            ).format(seats=seats, most=owner.connection_seats)
        )
    gigabytes = sum(_monthly_gb(each) for each in offered)
    if gigabytes > owner.connection_gb:
        raise MoreThanTheConnection(
            _(
                "Your bundles promise {gigabytes:,} GB in 30 days; your connection carries "
                "{most:,} GB."
            ).format(gigabytes=gigabytes, most=owner.connection_gb)
        )


def _monthly_gb(bundle: Bundle) -> int:
    """A bundle shorter than a month is bought again when it ends."""
    rounds = -(-MONTH // bundle.duration_days)
    return bundle.data_limit_gb * bundle.max_clients * rounds
