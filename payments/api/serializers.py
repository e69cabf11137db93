"""Shapes of payments' own endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProviderSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    name = serializers.CharField()
    enabled = serializers.BooleanField()
    message = serializers.CharField(help_text="Why it cannot be used now; empty while it can")


class ProvidersSerializer(serializers.Serializer[Any]):
    providers = ProviderSerializer(many=True)
