"""Signing in, and the sessions that come of it: listed, renewed, ended."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils import timezone
from knox.models import AuthToken

from accounts.errors import InvalidCredentials, SessionEnded, SessionNotFound
from accounts.models import Session, User
from common import phone as phones
from common.transactions import retried

DEVICE_LENGTH = 200


def sign_in(*, name: str, password: str, device: str = "") -> tuple[User, str]:
    """The person and a new token; `name` is an e-mail address, or a phone in any form.

    Raises InvalidCredentials, after the same work for an unknown name as for a wrong password.
    """
    user = check_password(name=name, password=password)
    return user, new_token(user=user, device=device)


def check_password(*, name: str, password: str) -> User:
    """The person of this name and password. Raises InvalidCredentials as `sign_in` does."""
    user = authenticate(username=_address_of(name), password=password)
    if not isinstance(user, User):
        raise InvalidCredentials("The e-mail address, phone or password is wrong.")
    return user


def new_token(*, user: User, device: str = "") -> str:
    """A token that lives `TOKEN_DAYS`; only its hash is stored. `device` is a client's own name."""
    return begin_session(user=user, device=device)[1]


@retried
def begin_session(*, user: User, device: str = "") -> tuple[AuthToken, str]:
    """The kept token of a new session, and the token itself. What has run out is cleared away."""
    AuthToken.objects.filter(user=user, expiry__lt=timezone.now()).delete()
    made, token = AuthToken.objects.create(user=user)
    Session.objects.create(token=made, device=device[:DEVICE_LENGTH])
    return made, str(token)


@retried
def renew_token(*, user: User, old: AuthToken) -> str:
    """A new token in the place of the old one, which is dead; the session goes on.

    Raises SessionEnded when somebody was faster: one token has one successor.
    """
    if AuthToken.objects.select_for_update().filter(pk=old.pk).first() is None:
        raise SessionEnded("Please sign in again.")
    made, token = AuthToken.objects.create(user=user)
    if not Session.objects.filter(token=old).update(token=made):
        Session.objects.create(token=made)
    old.delete()
    return str(token)


@retried
def end_token(*, token: AuthToken) -> None:
    """Sign out."""
    token.delete()


def sessions_of(user: User) -> QuerySet[Session]:
    """Where a person is signed in, the latest first."""
    live = Session.objects.filter(token__user=user, token__expiry__gt=timezone.now())
    return live.select_related("token").order_by("-begun_at")


@retried
def end_session(*, user: User, session_id: int) -> None:
    """Sign out elsewhere. Raises SessionNotFound for what is not theirs."""
    ended, _ = AuthToken.objects.filter(user=user, session=session_id).delete()
    if not ended:
        raise SessionNotFound("There is no such session.")


@retried
def end_other_sessions(*, but: AuthToken) -> None:
    """Sign out everywhere else."""
    AuthToken.objects.filter(user=but.user_id).exclude(pk=but.pk).delete()


def _address_of(name: str) -> str:
    """The e-mail address of whoever signs in by it, or by a phone."""
    with suppress(phones.InvalidPhoneNumber):
        found = User.objects.filter(phone=phones.parse(name)).values_list("email", flat=True)
        return found.first() or ""
    return name.strip().lower()
