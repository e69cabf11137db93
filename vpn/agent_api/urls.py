"""Mounted under `/agent/v1/`: what gateways' agents call."""

from django.urls import path

from vpn.agent_api.enrol import EnrolView
from vpn.agent_api.report import ReportView
from vpn.agent_api.state import StateView

agent_urlpatterns = [
    path("enrol", EnrolView.as_view(), name="agent-enrol"),
    path("state", StateView.as_view(), name="agent-state"),
    path("report", ReportView.as_view(), name="agent-report"),
]
