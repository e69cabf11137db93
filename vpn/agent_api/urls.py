"""Mounted under `/agent/v1/`: what gateways' agents call."""

from django.urls import path

from vpn.agent_api.report import ReportView

agent_urlpatterns = [path("report", ReportView.as_view(), name="agent-report")]
