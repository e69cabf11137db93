"""The whole public URL map on one screen."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.api.urls import auth_urlpatterns
from accounts.api.urls import user_urlpatterns as person_urlpatterns
from backoffice.metrics import metrics
from bundles.api.urls import catalogue_urlpatterns, purchase_urlpatterns
from bundles.api.urls import user_urlpatterns as subscription_urlpatterns
from konektika.health import live, ready
from payments.models import WebhookDelivery
from payments.webhooks import (
    MPESA_DIALECTS,
    provider_question,
    provider_webhook,
    secret_question,
    secret_webhook,
)
from vpn.api.urls import analytics_urlpatterns, vpn_urlpatterns
from vpn.urls import page_urlpatterns

handler400 = "common.rest.handler400"
handler403 = "common.rest.handler403"
handler404 = "common.rest.handler404"
handler500 = "common.rest.handler500"

api: list[URLPattern | URLResolver] = [
    path("auth/", include(auth_urlpatterns)),
    path("users/", include(person_urlpatterns)),
    path("users/", include(subscription_urlpatterns)),
    path("", include(catalogue_urlpatterns)),
    path("payments/", include("payments.api.urls")),
    path("", include(purchase_urlpatterns)),
    path("vpn/", include(vpn_urlpatterns)),
    path("analytics/", include(analytics_urlpatterns)),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
]

MPESA, TIGO = {"dialect": "mpesa_daraja"}, {"dialect": "tigo_pesa"}
ONLY_MPESA, ONLY_TIGO = {"only": MPESA_DIALECTS}, {"only": ("tigo_pesa",)}
TIMED_OUT = {"channel": WebhookDelivery.Channel.TIMEOUT}

# The paths that only one provider has come first: an attempt's token would match them too.
webhooks = [
    path("mpesa/result/<str:attempt_token>", provider_webhook, MPESA, name="webhook-mpesa-result"),
    path(
        "mpesa/timeout/<str:attempt_token>",
        provider_webhook,
        MPESA | TIMED_OUT,
        name="webhook-mpesa-timeout",
    ),
    path("mpesa/validation", provider_question, MPESA, name="webhook-mpesa-validation"),
    path("mpesa/confirmation", provider_webhook, MPESA, name="webhook-mpesa-confirmation"),
    path("tigo-pesa/w2a", provider_question, TIGO, name="webhook-tigo-pesa-w2a"),
    path(
        "in/<str:token>/result/<str:attempt_token>",
        secret_webhook,
        ONLY_MPESA,
        name="webhook-secret-result",
    ),
    path(
        "in/<str:token>/timeout/<str:attempt_token>",
        secret_webhook,
        ONLY_MPESA | TIMED_OUT,
        name="webhook-secret-timeout",
    ),
    path(
        "in/<str:token>/validation",
        secret_question,
        MPESA | ONLY_MPESA,
        name="webhook-secret-validation",
    ),
    path(
        "in/<str:token>/confirmation",
        secret_webhook,
        ONLY_MPESA,
        name="webhook-secret-confirmation",
    ),
    path("in/<str:token>/w2a", secret_question, TIGO | ONLY_TIGO, name="webhook-secret-w2a"),
    path("in/<str:token>", secret_webhook, name="webhook-secret"),
    path("in/<str:token>/<str:attempt_token>", secret_webhook, name="webhook-secret-attempt"),
]
for name, dialect in (
    ("mpesa", "mpesa_daraja"),
    ("tigo-pesa", "tigo_pesa"),
    ("airtel-money", "airtel_money"),
):
    webhooks += [
        path(name, provider_webhook, {"dialect": dialect}, name=f"webhook-{name}"),
        path(
            f"{name}/<str:attempt_token>",
            provider_webhook,
            {"dialect": dialect},
            name=f"webhook-{name}-attempt",
        ),
    ]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="api-docs"), name="home"),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/webhooks/", include(webhooks)),
    path("api/", include(api)),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("", include(page_urlpatterns)),
]
