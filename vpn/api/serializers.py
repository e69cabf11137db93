"""The contract's shapes of configurations and usage."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.rest import PageSerializer
from vpn.models import Connection, Peer
from vpn.wireguard_config import customer_config


class ConfigSerializer(serializers.Serializer[Peer]):
    """One device's configuration; `config_data` is the WireGuard file's text."""

    id = serializers.IntegerField()
    user_id = serializers.IntegerField(source="subscription.customer_id")
    bundle_id = serializers.IntegerField(source="subscription.bundle_id")
    bundle_name = serializers.CharField(source="subscription.bundle.name")
    device_name = serializers.CharField()
    config_data = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(source="subscription.ends_at")
    created_at = serializers.DateTimeField()
    is_active = serializers.BooleanField(source="is_usable")
    server_ip = serializers.CharField(source="gateway.endpoint_host")
    server_port = serializers.IntegerField(source="gateway.endpoint_port")
    protocol = serializers.SerializerMethodField()

    def get_config_data(self, peer: Peer) -> str:
        return customer_config(peer)

    def get_protocol(self, peer: Peer) -> str:
        return "wireguard"


class ConfigReplySerializer(serializers.Serializer[Any]):
    config = ConfigSerializer()


class ConfigListSerializer(PageSerializer):
    configs = ConfigSerializer(many=True)


class GenerateSerializer(serializers.Serializer[Any]):
    bundle_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    device_name = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    public_key = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class RotateSerializer(serializers.Serializer[Any]):
    public_key = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class StatusSerializer(serializers.Serializer[Any]):
    initialized = serializers.BooleanField(help_text="A gateway is set up")
    running = serializers.BooleanField(help_text="A gateway is in service")
    active_connections = serializers.IntegerField(
        help_text="Devices with a handshake in the last 180 seconds"
    )
    total_data_transferred = serializers.IntegerField(help_text="Bytes metered so far")
    configured_devices = serializers.IntegerField()


class StatusReplySerializer(serializers.Serializer[Any]):
    status = StatusSerializer()


class UsageQuerySerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(
        min_value=1, max_value=90, default=30, help_text="How many days up to today"
    )


class UsageDaySerializer(serializers.Serializer[Any]):
    """A day is one in Dar es Salaam; `up` is what was sent, `down` what was received."""

    date = serializers.DateField(source="day")
    bytes = serializers.IntegerField()
    up = serializers.IntegerField()
    down = serializers.IntegerField()


class UsageSerializer(serializers.Serializer[Any]):
    usage = UsageDaySerializer(many=True)
    total_bytes = serializers.IntegerField(help_text="Of all days, also those not asked for")


class ConnectionSerializer(serializers.Serializer[Connection]):
    """From the first handshake to the last; `ended_at` is null while it may go on."""

    config_id = serializers.IntegerField(source="peer_id")
    device_name = serializers.CharField(source="peer.device_name")
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ConnectionsSerializer(PageSerializer):
    connections = ConnectionSerializer(many=True)
