"""Registers what bundles does with payments' facts."""

from django.apps import AppConfig


class BundlesConfig(AppConfig):
    name = "bundles"

    def ready(self) -> None:
        from bundles import handlers
        from payments import hooks

        hooks.completed.register(handlers.activate)
        hooks.given_up.register(handlers.release)
        hooks.withdrawn.register(handlers.withdraw)
        hooks.closed.register(handlers.release)
