"""Registers payments' system checks, what it has to say of people, and what payments itself knows of a bill's reference."""

from django.apps import AppConfig
from django.core.checks import register


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from accounts import hooks as people
        from payments import handlers
        from payments.bills import payables
        from payments.checks import check_providers
        from payments.selectors import payable_of_attempt

        register(check_providers)
        people.deletion_asked.register(handlers.keep_account_with_money)
        payables.register(payable_of_attempt)
