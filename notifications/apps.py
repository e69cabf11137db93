"""An outbox of messages."""

from django.apps import AppConfig
from django.core.checks import register


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications.checks import check_channels, check_deployment

        register(check_channels)
        register(check_deployment, deploy=True)
