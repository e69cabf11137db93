"""Shapes of payments' own endpoints."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common import phone as phones
from common.rest import PageSerializer
from payments.models import ProviderName, Transfer
from payments.offers import Health

AMOUNT_MAX = 2**31 - 1


class OfferSerializer(serializers.Serializer[Any]):
    """A provider, before paying."""

    provider = serializers.CharField()
    name = serializers.CharField()
    enabled = serializers.BooleanField()
    message = serializers.CharField(help_text="What is wrong with it now; empty while nothing is")
    health = serializers.ChoiceField(choices=[each.value for each in Health])
    amount_min = serializers.IntegerField(allow_null=True, help_text="TZS in one payment")
    amount_max = serializers.IntegerField(allow_null=True, help_text="TZS in one payment")
    prompt = serializers.CharField(help_text="What the customer's phone will do")


class PredictionSerializer(OfferSerializer):
    phone_number = serializers.CharField(help_text="As it is written from now on")


class ProvidersSerializer(serializers.Serializer[Any]):
    providers = OfferSerializer(many=True)


class CreditSerializer(serializers.Serializer[Any]):
    balance = serializers.IntegerField(help_text="TZS; below zero after a provider's reversal")
    currency = serializers.CharField()


class CreditReturnSerializer(serializers.Serializer[Any]):
    """How much to send back; without an amount, all of it."""

    amount = serializers.IntegerField(min_value=1, max_value=AMOUNT_MAX, required=False)


class TransferSerializer(serializers.ModelSerializer[Transfer]):
    """Money on its way to a person, as that person may see it."""

    transfer_id = serializers.CharField(source="reference")
    currency = serializers.SerializerMethodField()
    payment_method = serializers.ChoiceField(choices=ProviderName.choices, source="provider")
    phone = serializers.SerializerMethodField(help_text="Masked")
    receipt = serializers.SerializerMethodField()
    payment_id = serializers.SerializerMethodField(help_text="The payment that it refunds")

    class Meta:
        model = Transfer
        fields = [
            "transfer_id",
            "kind",
            "amount",
            "currency",
            "state",
            "payment_method",
            "phone",
            "receipt",
            "payment_id",
            "created_at",
            "finished_at",
        ]

    def get_currency(self, transfer: Transfer) -> str:
        return "TZS"

    def get_phone(self, transfer: Transfer) -> str:
        return phones.mask(transfer.phone)

    def get_receipt(self, transfer: Transfer) -> str:
        return transfer.provider_transaction_id or ""

    def get_payment_id(self, transfer: Transfer) -> str | None:
        return transfer.payment.public_id if transfer.payment else None


class TransferListSerializer(PageSerializer):
    transfers = TransferSerializer(many=True)
