"""Registers what bundles does with payments' facts."""

from django.apps import AppConfig


class BundlesConfig(AppConfig):
    name = "bundles"

    def ready(self) -> None:
        from bundles import handlers
        from payments import hooks

        hooks.completed.register(handlers.activate)
        hooks.credited.register(handlers.release)
        hooks.closed.register(handlers.release)
