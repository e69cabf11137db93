"""Registers payments' system checks, and what payments itself knows of a bill's reference."""

from django.apps import AppConfig
from django.core.checks import register


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments.bills import payables
        from payments.checks import check_providers
        from payments.selectors import payable_of_attempt

        register(check_providers)
        payables.register(payable_of_attempt)
