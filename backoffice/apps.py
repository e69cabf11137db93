"""What staff see across apps."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    name = "backoffice"

    def ready(self) -> None:
        from backoffice.roles import apply_roles, last_app
        from backoffice.subjects import register_subjects

        post_migrate.connect(apply_roles, sender=last_app(), dispatch_uid="backoffice.roles")
        register_subjects()
