"""Who makes a request, and where they are signed in."""

from __future__ import annotations

from knox.models import AuthToken
from rest_framework import status
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers import UserSerializer
from accounts.models import User
from common.rest import Reply


def signed_in(request: Request) -> User:
    """The person behind a request. Raises NotAuthenticated."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def own_token(request: Request) -> AuthToken:
    """The token that the request was authenticated with. Raises NotAuthenticated."""
    if not isinstance(request.auth, AuthToken):
        raise NotAuthenticated
    return request.auth


def device_of(request: Request) -> str:
    """What the client calls itself."""
    return request.headers.get("User-Agent", "")


def signed_in_reply(
    user: User, token: str, message: str, code: int = status.HTTP_200_OK
) -> Response:
    """The contract's answer to signing in."""
    return Reply({"token": token, "user": UserSerializer(user).data}, message=message, status=code)
