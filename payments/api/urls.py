"""Mounted under `/api/payments/`."""

from django.urls import path

from payments.api.views import ProvidersView

urlpatterns = [path("providers", ProvidersView.as_view(), name="payment-providers")]
