"""Mounted under `/api/payments/` and `/api/help/`."""

from django.urls import path

from storefront.api.views import (
    AskRefundView,
    HelpView,
    ReceiptClaimsView,
    ReceiptClaimView,
    ReceiptView,
    RefundsView,
    TimelineView,
)

payment_urlpatterns = [
    path("timeline/<str:payment_id>", TimelineView.as_view(), name="payment-timeline"),
    path("receipt/<str:payment_id>", ReceiptView.as_view(), name="payment-receipt"),
    path("refund/<str:payment_id>", AskRefundView.as_view(), name="payment-ask-refund"),
    path("refunds", RefundsView.as_view(), name="payment-refunds"),
]
help_urlpatterns = [
    path("connection", HelpView.as_view(), name="help-connection"),
    path("receipt", ReceiptClaimsView.as_view(), name="help-receipts"),
    path("receipt/<int:claim_id>", ReceiptClaimView.as_view(), name="help-receipt"),
]
