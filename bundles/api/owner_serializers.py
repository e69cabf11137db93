"""Shapes of an owner's own business."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from bundles.models import Bundle, Gift, Owner, Purchase, Subscription
from bundles.owner_figures import Business
from bundles.owner_statement import NO_PERIOD, is_period
from bundles.shares import shares_of
from common import phone as phones
from common.rest import PageSerializer

NUMBER_MAX = 2**31 - 1


class OwnerSerializer(serializers.ModelSerializer[Owner]):
    class Meta:
        model = Owner
        fields = [
            "state",
            "about",
            "connection_gb",
            "connection_seats",
            "is_paid_weekly",
            "applied_at",
            "decided_at",
            "decision",
        ]


class OwnerReplySerializer(serializers.Serializer[Any]):
    owner = OwnerSerializer()


class ApplySerializer(serializers.Serializer[Any]):
    about = serializers.CharField(
        max_length=2000, help_text="The connection: provider, place, line"
    )
    connection_gb = serializers.IntegerField(
        min_value=1, max_value=1_000_000, help_text="What it carries in 30 days"
    )
    connection_seats = serializers.IntegerField(
        min_value=1, max_value=100_000, help_text="Customers it can serve at once"
    )


class OwnerSettingsSerializer(serializers.Serializer[Any]):
    is_paid_weekly = serializers.BooleanField(help_text="Paid out each Monday by itself")


class OwnOfferSerializer(serializers.Serializer[Any]):
    """What is offered. On a change, what is left out stays as it is."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=2000, allow_blank=True, required=False)
    data_limit_gb = serializers.IntegerField(min_value=1, max_value=100_000)
    price = serializers.IntegerField(min_value=1, max_value=NUMBER_MAX, help_text="TZS")
    duration_days = serializers.IntegerField(min_value=1, max_value=366)
    max_clients = serializers.IntegerField(min_value=1, max_value=100_000, help_text="Seats")
    max_connections = serializers.IntegerField(
        min_value=1, max_value=20, required=False, help_text="Devices per customer"
    )
    speed_kbps = serializers.IntegerField(min_value=0, max_value=NUMBER_MAX, required=False)
    starts_on_first_use = serializers.BooleanField(required=False)


class OwnBundleSerializer(serializers.ModelSerializer[Bundle]):
    """An owner's bundle with its figures; `business` in the context has them by bundle."""

    picture_url = serializers.CharField()
    seats_taken = serializers.SerializerMethodField()
    sales = serializers.SerializerMethodField()
    sold_bytes = serializers.SerializerMethodField()
    used_bytes = serializers.SerializerMethodField()

    class Meta:
        model = Bundle
        fields = [
            "id",
            "name",
            "description",
            "data_limit_gb",
            "price",
            "duration_days",
            "max_clients",
            "max_connections",
            "speed_kbps",
            "starts_on_first_use",
            "is_active",
            "picture_url",
            "seats_taken",
            "sales",
            "sold_bytes",
            "used_bytes",
            "created_at",
        ]

    def get_seats_taken(self, bundle: Bundle) -> int:
        return self._business(bundle).seats_taken

    def get_sales(self, bundle: Bundle) -> int:
        return self._business(bundle).sales

    def get_sold_bytes(self, bundle: Bundle) -> int:
        return self._business(bundle).sold_bytes

    def get_used_bytes(self, bundle: Bundle) -> int:
        return self._business(bundle).used_bytes

    def _business(self, bundle: Bundle) -> Business:
        found: Business = self.context["business"][bundle.pk]
        return found


class OwnBundleReplySerializer(serializers.Serializer[Any]):
    bundle = OwnBundleSerializer()


class OwnBundlesSerializer(PageSerializer):
    bundles = OwnBundleSerializer(many=True)


class SaleSerializer(serializers.ModelSerializer[Purchase]):
    """One sale; amounts in TZS."""

    bundle_name = serializers.CharField(source="bundle.name")
    customer = serializers.CharField(source="customer.short_name")
    phone = serializers.SerializerMethodField(help_text="Masked")
    commission = serializers.SerializerMethodField()
    tax = serializers.SerializerMethodField()
    earnings = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField(help_text="held, earned or withdrawn")

    class Meta:
        model = Purchase
        fields = [
            "id",
            "bundle_id",
            "bundle_name",
            "customer",
            "phone",
            "price",
            "commission",
            "tax",
            "earnings",
            "state",
            "paid_at",
        ]

    def get_phone(self, purchase: Purchase) -> str:
        return phones.mask(purchase.customer.phone) if purchase.customer.phone else ""

    def get_commission(self, purchase: Purchase) -> int:
        return shares_of(purchase).commission

    def get_tax(self, purchase: Purchase) -> int:
        return shares_of(purchase).tax

    def get_earnings(self, purchase: Purchase) -> int:
        return shares_of(purchase).owner

    def get_state(self, purchase: Purchase) -> str:
        activation, gift = getattr(purchase, "activation", None), getattr(purchase, "gift", None)
        if activation is not None and activation.withdrawn_at is not None:
            return "withdrawn"
        if gift is not None and gift.state == Gift.State.RETURNED:
            return "withdrawn"
        return "earned" if activation is not None and activation.earned_at else "held"


class SalesSerializer(PageSerializer):
    sales = SaleSerializer(many=True)


class CustomerSerializer(serializers.ModelSerializer[Subscription]):
    """Somebody who has or had a bundle; whoever they are, masked."""

    bundle_name = serializers.CharField(source="bundle.name")
    customer = serializers.CharField(source="customer.short_name")
    phone = serializers.SerializerMethodField(help_text="Masked")
    is_active = serializers.BooleanField()

    class Meta:
        model = Subscription
        fields = [
            "bundle_id",
            "bundle_name",
            "customer",
            "phone",
            "is_active",
            "starts_at",
            "ends_at",
            "data_limit_bytes",
            "data_used_bytes",
        ]

    def get_phone(self, subscription: Subscription) -> str:
        phone = subscription.customer.phone
        return phones.mask(phone) if phone else ""


class CustomersSerializer(PageSerializer):
    customers = CustomerSerializer(many=True)


class EarningsSerializer(serializers.Serializer[Any]):
    """TZS."""

    currency = serializers.CharField(default="TZS")
    held = serializers.IntegerField(help_text="Until delivered")
    earned = serializers.IntegerField(help_text="Payable; below zero is owed")
    on_its_way = serializers.IntegerField()
    paid_out = serializers.IntegerField()
    commission_percent = serializers.IntegerField(help_text="The platform's share of new sales")
    payouts_frozen_until = serializers.DateTimeField(allow_null=True)


class PayoutSerializer(serializers.Serializer[Any]):
    """How much to pay out; without an amount, all that is payable."""

    amount = serializers.IntegerField(min_value=1, max_value=NUMBER_MAX, required=False)


class PeriodSerializer(serializers.Serializer[Any]):
    """Business days, both included."""

    first = serializers.DateField()
    last = serializers.DateField()

    def validate(self, period: dict[str, date]) -> dict[str, date]:
        if not is_period(period["first"], period["last"]):
            raise serializers.ValidationError(NO_PERIOD)
        return period


class StatementLineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    what = serializers.CharField()
    memo = serializers.CharField()
    held = serializers.IntegerField(help_text="Change, TZS")
    payable = serializers.IntegerField(help_text="Change, TZS")
    balance = serializers.IntegerField(help_text="Of both together after it, TZS")


class StatementSerializer(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField()
    opening = serializers.IntegerField()
    closing = serializers.IntegerField()
    lines = StatementLineSerializer(many=True)
