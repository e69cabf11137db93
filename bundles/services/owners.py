"""Becoming an owner, and staff's decision about it."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.write_to import write_to
from bundles.errors import ApplicationExists, NotAnOwner, NotDecidable
from bundles.models import Bundle, Owner
from bundles.services.save_bundle import save_bundle
from common.transactions import retried
from notifications.services import queue_message

State = Owner.State
MAY_BECOME = {
    State.APPROVED: (State.APPLIED, State.DECLINED, State.SUSPENDED),
    State.DECLINED: (State.APPLIED,),
    State.SUSPENDED: (State.APPROVED,),
}


def apply_as_owner(*, person: User, about: str, connection_gb: int, connection_seats: int) -> Owner:
    """Ask to sell; who was declined may ask again. Raises ApplicationExists."""
    values: dict[str, str | int] = {
        "about": about,
        "connection_gb": connection_gb,
        "connection_seats": connection_seats,
    }
    try:
        return _apply(person.pk, values)
    except IntegrityError as error:  # asked twice at once
        raise ApplicationExists("You have applied already.") from error


@retried
def _apply(person_id: int, values: dict[str, str | int]) -> Owner:
    owner = Owner.objects.select_for_update().filter(person=person_id).first()
    if owner is None:
        return Owner.objects.create(person_id=person_id, **values)
    if owner.state != State.DECLINED:
        raise ApplicationExists("You have applied already.")
    for name, value in values.items():
        setattr(owner, name, value)
    owner.state, owner.applied_at = State.APPLIED, timezone.now()
    owner.save()
    return owner


@retried
def decide_owner(*, owner_id: int, state: str, by: User, why: str) -> Owner:
    """Approve, decline or suspend; the owner is told why. Raises NotDecidable.

    A suspended owner's bundles are not sold any more; what was bought goes on.
    """
    owner = Owner.objects.select_for_update().select_related("person").get(pk=owner_id)
    if owner.state not in MAY_BECOME[State(state)]:
        raise NotDecidable(f"The owner is {owner.get_state_display().lower()} now.")
    owner.state, owner.decision = state, why[:255]
    owner.decided_by, owner.decided_at = by, timezone.now()
    owner.save()
    if owner.may_sell:
        User.objects.filter(pk=owner.person_id).update(role=User.Role.OWNER)
    if owner.state == State.SUSPENDED:
        _pause_all(owner, by)
    _tell(owner)
    return owner


def owner_of(person: User) -> Owner:
    """A person's standing as a seller. Raises NotAnOwner where they never asked."""
    owner = Owner.objects.filter(person=person).first()
    if owner is None:
        raise NotAnOwner("Apply to sell first.")
    return owner


def approved_for_update(person: User) -> Owner:
    """The owner, locked until the transaction ends: what they offer is counted together.

    Raises NotAnOwner for whoever may not sell.
    """
    owner = Owner.objects.select_for_update().filter(person=person).first()
    if owner is None:
        raise NotAnOwner("Apply to sell first.")
    if owner.state == State.APPLIED:
        raise NotAnOwner("Your application waits for a decision.")
    if not owner.may_sell:
        raise NotAnOwner(_("You may not sell at the moment: {why}").format(why=owner.decision))
    return owner


def _pause_all(owner: Owner, by: User) -> None:
    for bundle in Bundle.objects.select_for_update().filter(owner=owner.person_id, is_active=True):
        bundle.is_active = False
        save_bundle(bundle, by=by)


def _tell(owner: Owner) -> None:
    if owner.decided_at is None:
        return
    message_id, context = f"owner_{owner.state}", {"why": owner.decision}
    key = f"owner:{owner.pk}:{owner.decided_at.isoformat()}"
    write_to(user=owner.person, message_id=message_id, context=context, key=key)
    if owner.person.phone:
        queue_message(
            message_id=message_id,
            to=owner.person.phone,
            language=owner.person.language,
            context=context,
            key=key,
        )
