"""dj-stripe's own webhook view as it comes, for an event that it has had before: the least to do."""

from __future__ import annotations

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from benchmarks.peers.project import (
    STRIPE_ENDPOINT,
    STRIPE_EVENT,
    STRIPE_PATH,
    STRIPE_SECRET,
    STRIPE_TOLERANCE_SECONDS,
    base_settings,
)

settings.configure(
    **base_settings(),
    ROOT_URLCONF=__name__,
    APPEND_SLASH=False,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    # Its tables at once, as the migrations would leave them after minutes.
    MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "djstripe")),
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
)
django.setup()

urlpatterns = [path("", include("djstripe.urls"))]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    apps.get_model("djstripe", "WebhookEndpoint")._default_manager.create(
        id="we_benchmark",
        djstripe_uuid=STRIPE_ENDPOINT,
        secret=STRIPE_SECRET,
        djstripe_tolerance=STRIPE_TOLERANCE_SECONDS,
        url=f"http://127.0.0.1/{STRIPE_PATH}",
        enabled_events=["*"],
        status="enabled",
        livemode=False,
    )
    apps.get_model("djstripe", "Event")._default_manager.create(
        id=STRIPE_EVENT, type="account.updated", data={}, livemode=False
    )
