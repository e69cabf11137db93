"""Shapes of what customers ask about themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vpn.diagnosis import Finding


class StepSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    event = serializers.CharField(help_text="A stable word")
    text = serializers.CharField()


class NextStepSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="A stable word; none when there is nothing to do")
    text = serializers.CharField()


class TimelineSerializer(serializers.Serializer[Any]):
    payment_id = serializers.CharField()
    steps = StepSerializer(many=True)
    now = serializers.CharField(help_text="How it stands, in a sentence")
    next_step = NextStepSerializer()


class HelpSerializer(serializers.Serializer[Any]):
    finding = serializers.ChoiceField(choices=[each.value for each in Finding])
    text = serializers.CharField()
    is_online = serializers.BooleanField()
    did = serializers.CharField(help_text="What we did about it; empty for nothing")
    next_step = NextStepSerializer()
    payment_id = serializers.CharField(allow_null=True)
    subscription_id = serializers.IntegerField(allow_null=True)
    config_id = serializers.IntegerField(allow_null=True)
