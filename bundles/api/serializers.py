"""The contract's shapes of bundles, payments and subscriptions."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bundles.models import Bundle, Gift, Renewal, Subscription
from common.rest import PageSerializer, PhoneField
from payments.models import Disposition, Payment
from payments.networks import chosen
from payments.states import State

APP_STATUS = {
    State.INITIATED: "pending",
    State.PENDING: "pending",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.EXPIRED: "failed",
}


class BundleSerializer(serializers.ModelSerializer[Bundle]):
    owner_name = serializers.CharField(source="owner.full_name")
    picture_url = serializers.CharField()

    class Meta:
        model = Bundle
        fields = [
            "id",
            "owner_id",
            "owner_name",
            "name",
            "description",
            "data_limit_gb",
            "price",
            "duration_days",
            "max_connections",
            "starts_on_first_use",
            "is_active",
            "picture_url",
            "created_at",
        ]


class BundleReplySerializer(serializers.Serializer[Any]):
    bundle = BundleSerializer()


class BundleListSerializer(PageSerializer):
    bundles = BundleSerializer(many=True)


class InitiateSerializer(serializers.Serializer[Any]):
    """What the app sends to pay. A price in it is ignored: the server prices."""

    bundle_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    phone_number = PhoneField(max_length=30)
    provider = serializers.CharField(
        max_length=20, required=False, allow_blank=True, allow_null=True, default=""
    )
    payment_method = serializers.CharField(
        max_length=20, required=False, allow_blank=True, allow_null=True, default=""
    )

    use_credit = serializers.BooleanField(
        default=False, help_text="Let the customer's credit pay first"
    )
    gift_phone = PhoneField(
        max_length=30,
        required=False,
        allow_blank=True,
        allow_null=True,
        default="",
        help_text="Whom it is for; empty for oneself",
    )

    def wanted_provider(self) -> str:
        """The provider the customer chose, or a word that means "work it out".

        Raises UnknownProvider.
        """
        return chosen(self.validated_data["provider"], self.validated_data["payment_method"])


class PaymentSerializer(serializers.Serializer[Any]):
    """A payment as the app reads it."""

    payment_id = serializers.CharField()
    transaction_reference = serializers.CharField(read_only=True)
    user_id = serializers.IntegerField()
    bundle_id = serializers.IntegerField(
        read_only=True,
        help_text="0 where the money was for no bundle: it is the customer's credit.",
    )
    bundle_name = serializers.CharField(read_only=True)
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    payment_method = serializers.ChoiceField(choices=Payment.METHODS)
    from_credit = serializers.IntegerField(help_text="TZS of the amount that credit pays")
    phone_number = serializers.CharField(read_only=True)
    status = serializers.CharField(
        read_only=True, help_text="One of the four words that the released app knows."
    )
    state = serializers.CharField(
        read_only=True,
        help_text="The exact state; `credited`, `refunded` or `reversed` when the money buys "
        "nothing now.",
    )
    reason = serializers.CharField()
    receipt = serializers.CharField(read_only=True)
    gift_phone = serializers.CharField(
        read_only=True, help_text="Whom it is for; empty for oneself"
    )
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


def shown_payment(payment: Any) -> dict[str, Any]:
    """PaymentSerializer's fields of one of `shown_of`, without the serializer's machinery: the app
    asks every few seconds.
    """
    lost = _lost(payment)
    return {
        "payment_id": payment.public_id,
        "transaction_reference": payment.reference or payment.public_id,
        "user_id": payment.payer_id,
        "bundle_id": payment.bundle_id or 0,
        "bundle_name": payment.bundle_name or "",
        "amount": payment.amount,
        "currency": payment.currency,
        "payment_method": payment.payment_method,
        "from_credit": payment.from_credit,
        "phone_number": payment.phone or "",
        "status": "cancelled" if lost else APP_STATUS[State(payment.state)],
        "state": lost or payment.state,
        "reason": payment.reason,
        "receipt": payment.receipt or "",
        "gift_phone": payment.gift_phone or "",
        "created_at": payment.created_at,
        "paid_at": payment.paid_at,
    }


def _lost(payment: Any) -> str:
    """What became of money that buys nothing now; "" of other money."""
    if payment.reversed_at is not None:
        return "reversed"
    is_withdrawn = payment.withdrawn_at is not None or payment.gift_state == Gift.State.RETURNED
    was_served = payment.disposition == Disposition.FULFILLED
    if payment.disposition == Disposition.REFUNDED or (was_served and is_withdrawn):
        return str(Disposition.REFUNDED)
    return str(Disposition.CREDITED) if payment.is_given_up else ""


class PaybillRequestSerializer(serializers.Serializer[Any]):
    """What is to be paid for by the provider's menu. The server prices."""

    bundle_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class BusinessNumberSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    name = serializers.CharField()
    business_number = serializers.CharField()


class PaybillSerializer(serializers.Serializer[Any]):
    """What to dial. The place is held until `expires_at`; the reference stays good."""

    reference = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField(default="TZS")
    bundle_id = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    numbers = BusinessNumberSerializer(many=True)


class PaymentListSerializer(PageSerializer):
    payments = PaymentSerializer(many=True)


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    bundle_name = serializers.CharField(source="bundle.name")
    status = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    auto_renew = serializers.SerializerMethodField()
    renewal_outcome = serializers.SerializerMethodField()

    class Meta:
        model = Subscription
        fields = [
            "id",
            "bundle_id",
            "bundle_name",
            "status",
            "is_active",
            "starts_at",
            "ends_at",
            "data_limit_bytes",
            "data_used_bytes",
            "used_up_at",
            "awaits_first_use",
            "max_connections",
            "auto_renew",
            "renewal_outcome",
            "created_at",
        ]

    def get_auto_renew(self, subscription: Subscription) -> bool:
        """Whether it is bought again from credit before it ends or when its data is used up."""
        return subscription.is_renewed

    @extend_schema_field(serializers.ChoiceField(choices=["", *Renewal.Outcome.values]))
    def get_renewal_outcome(self, subscription: Subscription) -> str:
        """What came of that last; "" for nothing yet."""
        renewal = subscription.own_renewal
        return renewal.outcome if renewal else ""

    def get_status(self, subscription: Subscription) -> str:
        """`active` or `ended`; one whose time is over has ended, swept or not."""
        return "active" if subscription.is_active else "ended"


class SubscriptionReplySerializer(serializers.Serializer[Any]):
    subscription = SubscriptionSerializer()


class RenewalSerializer(serializers.Serializer[Any]):
    auto_renew = serializers.BooleanField(
        help_text="Buy it again from the person's credit, for what its bundle costs now at most"
    )


class GiveDataSerializer(serializers.Serializer[Any]):
    """Which of one's subscriptions, whose phone, and how much."""

    subscription_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    phone = PhoneField(max_length=30)
    data_mb = serializers.IntegerField(min_value=1, max_value=10**9, help_text="Millions of bytes")


class ClaimGiftSerializer(serializers.Serializer[Any]):
    """One of the two: the end of the SMS's link, or the id of a gift to one's own proved phone."""

    token = serializers.CharField(max_length=100, required=False, default="")
    gift_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given["token"] and "gift_id" not in given:
            raise serializers.ValidationError({"token": [_("Give the gift's token, or its id.")]})
        return given


class GiftSerializer(serializers.ModelSerializer[Gift]):
    """A gift as `person` in the context may see it; the giver's phone is nobody else's business."""

    kind = serializers.SerializerMethodField()
    direction = serializers.SerializerMethodField()
    giver_name = serializers.CharField(source="giver.short_name")
    bundle_name = serializers.CharField(source="bundle.name")
    phone = serializers.SerializerMethodField(help_text="Whom it is for; empty to whoever got it")
    state = serializers.SerializerMethodField()

    class Meta:
        model = Gift
        fields = [
            "id",
            "kind",
            "direction",
            "giver_name",
            "phone",
            "bundle_id",
            "bundle_name",
            "data_bytes",
            "state",
            "expires_at",
            "created_at",
            "ended_at",
        ]

    def get_kind(self, gift: Gift) -> str:
        """`bundle` or `data`."""
        return "data" if gift.is_data else "bundle"

    def get_direction(self, gift: Gift) -> str:
        """`given` or `received`."""
        return "given" if self._is_givers(gift) else "received"

    def get_phone(self, gift: Gift) -> str:
        return gift.phone if self._is_givers(gift) else ""

    def get_state(self, gift: Gift) -> str:
        """`offered`, `claimed` or `returned`; one whose time is over goes back, swept or not."""
        return gift.state_at(timezone.now())

    def _is_givers(self, gift: Gift) -> bool:
        return bool(gift.giver_id == self.context["person"].pk)


class GiftListSerializer(PageSerializer):
    gifts = GiftSerializer(many=True)


class SubscriptionListSerializer(PageSerializer):
    subscriptions = SubscriptionSerializer(many=True)
