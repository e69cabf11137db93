"""dj-stripe's own webhook view, spared all that it can be spared: validation and processing."""

from __future__ import annotations

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from benchmarks.peers.project import STRIPE_ENDPOINT, STRIPE_PATH, base_settings


def process_nothing(*_: object, **__: object) -> None:
    """In place of dj-stripe's processing: as if a queue took the event, at no cost."""


settings.configure(
    **base_settings(),
    ROOT_URLCONF=__name__,
    APPEND_SLASH=False,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    # Its tables at once, as the migrations would leave them after minutes.
    MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "djstripe")),
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=process_nothing,
)
django.setup()

urlpatterns = [path("", include("djstripe.urls"))]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    apps.get_model("djstripe", "WebhookEndpoint")._default_manager.create(
        id="we_benchmark",
        djstripe_uuid=STRIPE_ENDPOINT,
        djstripe_validation_method="none",
        url=f"http://127.0.0.1/{STRIPE_PATH}",
        enabled_events=["*"],
        status="enabled",
        livemode=False,
    )
