"""Shapes of what customers ask about themselves."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest import PageSerializer
from payments.models import ReceiptClaim
from payments.receipts import PASTED_MAX
from storefront.models import RefundRequest
from storefront.receipts import Told
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


class AskRefundSerializer(serializers.Serializer[Any]):
    why = serializers.CharField(max_length=500)


class RefundRequestSerializer(serializers.ModelSerializer[RefundRequest]):
    """A wish to have a payment back, and what became of it."""

    payment_id = serializers.CharField(source="payment.public_id")
    amount = serializers.IntegerField(
        source="transfer.amount", default=None, allow_null=True, help_text="TZS that go back"
    )

    class Meta:
        model = RefundRequest
        fields = [
            "id",
            "payment_id",
            "why",
            "state",
            "amount",
            "decision",
            "asked_at",
            "decided_at",
        ]


class RefundRequestsSerializer(PageSerializer):
    refunds = RefundRequestSerializer(many=True)


class HelpSerializer(serializers.Serializer[Any]):
    finding = serializers.ChoiceField(choices=[each.value for each in Finding])
    text = serializers.CharField()
    is_online = serializers.BooleanField()
    did = serializers.CharField(help_text="What we did about it; empty for nothing")
    next_step = NextStepSerializer()
    payment_id = serializers.CharField(allow_null=True)
    subscription_id = serializers.IntegerField(allow_null=True)
    config_id = serializers.IntegerField(allow_null=True)


class ClaimReceiptSerializer(serializers.Serializer[Any]):
    receipt = serializers.CharField(
        max_length=PASTED_MAX, help_text="The receipt number, or the provider's whole SMS"
    )
    provider = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        default="",
        help_text="By which one has paid, as in `initiate`; empty where one does not know",
    )


class ReceiptClaimSerializer(serializers.Serializer[Any]):
    """A receipt that a person has named, and what became of it."""

    id = serializers.IntegerField(source="claim.pk")
    receipt = serializers.CharField(source="claim.receipt")
    provider = serializers.CharField(source="claim.provider", help_text="As named; may be empty")
    outcome = serializers.ChoiceField(source="claim.state", choices=ReceiptClaim.State.choices)
    text = serializers.CharField(help_text="How it stands, in a sentence")
    next_step = serializers.SerializerMethodField()
    did = serializers.CharField(help_text="What we did about it; empty for nothing")
    payment_id = serializers.CharField(
        source="claim.payment.public_id", default=None, allow_null=True
    )
    claimed_at = serializers.DateTimeField(source="claim.claimed_at")
    closed_at = serializers.DateTimeField(source="claim.closed_at", allow_null=True)

    @extend_schema_field(NextStepSerializer)
    def get_next_step(self, told: Told) -> dict[str, str]:
        code, text = told.step
        return {"code": code, "text": text}


class ReceiptClaimsSerializer(PageSerializer):
    receipts = ReceiptClaimSerializer(many=True)
