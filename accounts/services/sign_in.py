"""Tokens: made at sign-in, renewed, ended."""

from __future__ import annotations

from django.contrib.auth import authenticate
from knox.models import AuthToken

from accounts.errors import InvalidCredentials
from accounts.models import User
from common.transactions import retried


def sign_in(*, email: str, password: str) -> tuple[User, str]:
    """The person and a new token. Raises InvalidCredentials, after the same work for an unknown
    address as for a wrong password.
    """
    user = authenticate(username=email.strip().lower(), password=password)
    if not isinstance(user, User):
        raise InvalidCredentials("The e-mail address or the password is wrong.")
    return user, new_token(user=user)


@retried
def new_token(*, user: User) -> str:
    """A token that lives `TOKEN_DAYS`; only its hash is stored."""
    _, token = AuthToken.objects.create(user=user)
    return str(token)


@retried
def renew_token(*, user: User, old: AuthToken) -> str:
    """A new token in the place of the old one, which is dead."""
    old.delete()
    _, token = AuthToken.objects.create(user=user)
    return str(token)


@retried
def end_token(*, token: AuthToken) -> None:
    """Sign out."""
    token.delete()
