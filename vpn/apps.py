"""Registers what vpn does with bundles' facts, and its system checks."""

from django.apps import AppConfig
from django.core.checks import register


class VpnConfig(AppConfig):
    name = "vpn"
    verbose_name = "VPN"

    def ready(self) -> None:
        from bundles import hooks
        from vpn import handlers
        from vpn.checks import check_vpn

        register(check_vpn)
        hooks.subscription_begun.register(handlers.deliver)
        hooks.subscription_extended.register(handlers.deliver_again)
        hooks.subscription_shortened.register(handlers.serve_less)
        hooks.subscription_ready.register(handlers.tell)
        hooks.subscription_ended.register(handlers.suspend)
        hooks.subscription_withdrawn.register(handlers.withdraw)
