"""Where providers call, under `/api/webhooks/`. Issued URLs stay: providers keep them for years."""

from __future__ import annotations

from django.urls import path

from payments.models import WebhookDelivery
from payments.webhooks import (
    MPESA_DIALECTS,
    provider_question,
    provider_webhook,
    secret_question,
    secret_webhook,
)

MPESA, TIGO = {"dialect": "mpesa_daraja"}, {"dialect": "tigo_pesa"}
ONLY_MPESA, ONLY_TIGO = {"only": MPESA_DIALECTS}, {"only": ("tigo_pesa",)}
TIMED_OUT = {"channel": WebhookDelivery.Channel.TIMEOUT}

# What is more than a token comes first: an attempt's token would match it too.
urlpatterns = [
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
]
for name, dialect in (
    ("mpesa", "mpesa_daraja"),
    ("tigo-pesa", "tigo_pesa"),
    ("airtel-money", "airtel_money"),
):
    urlpatterns += [
        path(name, provider_webhook, {"dialect": dialect}, name=f"webhook-{name}"),
        path(
            f"{name}/<str:attempt_token>",
            provider_webhook,
            {"dialect": dialect},
            name=f"webhook-{name}-attempt",
        ),
    ]
