"""Deletes an account: what names the person goes, what is evidence of money keeps a pseudonym."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from knox.models import AuthToken

from accounts import hooks
from accounts.errors import AccountInUse
from accounts.models import PhoneCode, User
from accounts.services.passwords import refuse_wrong_password
from accounts.services.write_to import write_to
from common.transactions import retried
from notifications.forget import forget_messages_to

PSEUDONYM = "Deleted account"


@dataclass(frozen=True, slots=True)
class Deletion:
    """Who wants the account deleted, and whether a service that still runs may end with it."""

    user: User
    gives_up_service: bool


def delete_account(*, user: User, password: str, gives_up_service: bool = False) -> None:
    """Delete the account for good. Raises WrongPassword, and AccountInUse when something comes first.

    The row stays, nameless: purchases, payments and the ledger refer to it (docs/privacy.md).
    """
    refuse_wrong_password(user, password)
    if user.is_staff:
        raise AccountInUse("An administrator ends the accounts of staff.")
    _delete(user.pk, gives_up_service)


@retried
def _delete(user_id: int, gives_up_service: bool) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    if user.deleted_at is not None:
        return
    deletion = Deletion(user, gives_up_service)
    hooks.deletion_asked.notify(deletion)
    hooks.account_deleted.notify(deletion)
    for reader in filter(None, (user.phone, user.email)):
        forget_messages_to(reader)
    write_to(user=user, message_id="account_deleted", key=f"account_deleted:{user.pk}")
    AuthToken.objects.filter(user=user).delete()
    PhoneCode.objects.filter(user=user).delete()
    _pseudonymise(user)
    user.save()


def _pseudonymise(user: User) -> None:
    """`.invalid` is nobody's domain (RFC 2606)."""
    user.full_name = PSEUDONYM
    user.email = f"deleted-{user.pk}@konektika.invalid"
    user.phone = None
    user.phone_verified_at = None
    user.is_active = False
    user.deleted_at = timezone.now()
    user.set_unusable_password()
