"""The smallest Django view that keeps what arrives: one INSERT of the body, then 200."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.peers.project import PLAIN_PATH, base_settings

settings.configure(**base_settings(), ROOT_URLCONF=__name__)
django.setup()


class Kept(models.Model):
    """A body and when it came."""

    received_at = models.DateTimeField(auto_now_add=True)
    body = models.BinaryField()

    class Meta:
        app_label = "plain"

    def __str__(self) -> str:
        return str(self.pk)


def keep(request: HttpRequest) -> HttpResponse:
    Kept._default_manager.create(body=request.body)
    return HttpResponse()


urlpatterns = [path(PLAIN_PATH, keep)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Kept)
