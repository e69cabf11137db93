"""Mounted under `/api/vpn/` and `/api/analytics/`."""

from django.urls import path

from vpn.api.configs import ConfigViewSet
from vpn.api.figures import ConnectionViewSet, StatusView, UsageView

vpn_urlpatterns = [
    path("configs", ConfigViewSet.as_view({"get": "list"}), name="vpn-configs"),
    path("generate-config", ConfigViewSet.as_view({"post": "generate"}), name="vpn-generate"),
    path(
        "config/<int:pk>",
        ConfigViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="vpn-config",
    ),
    path(
        "config/<int:pk>/rotate",
        ConfigViewSet.as_view({"post": "rotate"}),
        name="vpn-config-rotate",
    ),
    path("config/<int:pk>/qr", ConfigViewSet.as_view({"get": "qr"}), name="vpn-config-qr"),
    path("status", StatusView.as_view(), name="vpn-status"),
]
analytics_urlpatterns = [
    path("usage", UsageView.as_view(), name="analytics-usage"),
    path("connections", ConnectionViewSet.as_view({"get": "list"}), name="analytics-connections"),
]
