"""Mounted under `/api/payments/`."""

from django.urls import path

from payments.api.transfers import CreditReturnView, CreditView, TransferViewSet
from payments.api.views import PredictionView, ProvidersView

urlpatterns = [
    path("providers", ProvidersView.as_view(), name="payment-providers"),
    path("providers/predict", PredictionView.as_view(), name="payment-provider-predict"),
    path("credit", CreditView.as_view(), name="payment-credit"),
    path("credit/return", CreditReturnView.as_view(), name="payment-credit-return"),
    path("transfers", TransferViewSet.as_view({"get": "list"}), name="payment-transfers"),
]
