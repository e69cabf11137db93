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


class WrongCode(DomainError):
    code = "wrong_code"


class TooManyCodes(DomainError):
    code = "too_many_codes"
    status = 429


class WrongPassword(DomainError):
    code = "wrong_password"


class NoPhone(DomainError):
    code = "no_phone"
    status = 409


class SessionEnded(DomainError):
    """The token was good when the request came, and is not any more."""

    code = "not_authenticated"
    status = 401


class SessionNotFound(DomainError):
    code = "not_found"
    status = 404


class AccountInUse(DomainError):
    """The account cannot be deleted yet; the sentence says what comes first."""

    code = "account_in_use"
    status = 409


class PhoneIsProved(DomainError):
    code = "phone_needs_code"
    status = 409
