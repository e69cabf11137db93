"""Why no configuration is given, and why an agent is not believed."""

from __future__ import annotations

from common.errors import DomainError


class NoActiveSubscription(DomainError):
    code = "no_active_subscription"
    status = 409


class ConfigNotFound(DomainError):
    code = "config_not_found"
    status = 404


class DeviceLimitReached(DomainError):
    code = "device_limit_reached"
    status = 409


class NothingDone(DomainError):
    """What somebody saw when they asked is not so any more."""

    code = "nothing_done"
    status = 409


class CannotBeTold(DomainError):
    code = "cannot_be_told"
    status = 409


class InvalidPublicKey(DomainError):
    code = "invalid_public_key"


class PublicKeyInUse(DomainError):
    code = "public_key_in_use"
    status = 409


class NoGateway(DomainError):
    code = "no_gateway"
    status = 503


class GatewayUnknown(DomainError):
    """An agent without its gateway's secret."""

    code = "gateway_unknown"
    status = 401


class EnrolmentRefused(DomainError):
    code = "enrolment_refused"
    status = 401


class KeyDiffers(DomainError):
    """Customers' files name the key that the gateway had before."""

    code = "key_differs"
    status = 409


class AddressesExhausted(DomainError):
    code = "addresses_exhausted"
    status = 503


class NoReport(DomainError):
    code = "no_report"
