"""Mounted under `/api/payments/` and `/api/help/`."""

from django.urls import path

from storefront.api.views import HelpView, TimelineView

payment_urlpatterns = [
    path("timeline/<str:payment_id>", TimelineView.as_view(), name="payment-timeline"),
]
help_urlpatterns = [path("connection", HelpView.as_view(), name="help-connection")]
