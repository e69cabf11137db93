"""Why somebody cannot sign up or in."""

from __future__ import annotations

from common.errors import DomainError


class InvalidCredentials(DomainError):
    code = "invalid_credentials"
    status = 401


class AlreadyRegistered(DomainError):
    code = "already_registered"
    status = 409


class WeakPassword(DomainError):
    code = "weak_password"
