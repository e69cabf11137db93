"""What is sold: bundles, the purchases of them, and the subscriptions that they become."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from common.fields import ReferenceField

if TYPE_CHECKING:
    from bundles.models.renewals import Renewal

GIGABYTE = 10**9
PICTURES = "pictures/"
KEPT_DAYS = 30  # that a subscription may wait for its first use
OF_ALLOWANCE = ("data_limit_bytes", "told_percent", "used_up_at", "notice_at")
# A gateway stops the packet that would exceed an allowance, and is done with it then: what is left
# is less than the largest packet that Linux forwards, which may be several of one sender.
LAST_PACKET_BYTES = 65_536
TOLD_PERCENTS = (50, 80, 100)  # of an allowance, of which its customer is told


class Terms(models.Model):
    """The conditions of sale that staff edit: one row, kept under primary key 1."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    price_min = models.PositiveIntegerField(help_text="TZS")
    price_max = models.PositiveIntegerField(help_text="TZS")
    commission_percent = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(100)], help_text="The platform's share"
    )
    tax_percent = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(100)], help_text="Contained in the price; 0 for none"
    )
    refund_window_days = models.PositiveSmallIntegerField(
        default=3, help_text="After that a purchase counts as delivered and its owner has earned it"
    )

    class Meta:
        verbose_name_plural = "terms"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="terms_one_row"),
            models.CheckConstraint(
                condition=Q(price_min__lte=F("price_max")), name="terms_price_range"
            ),
            models.CheckConstraint(
                condition=Q(commission_percent__lte=100) & Q(tax_percent__lte=100),
                name="terms_percentages",
            ),
        ]

    def __str__(self) -> str:
        return "Terms of sale"

    def clean(self) -> None:
        if not 0 < self.price_min <= self.price_max:
            raise ValidationError({"price_max": "Prices are above 0, the least one first."})

    @classmethod
    def current(cls) -> Terms:
        """The terms in force, seeded from the settings the first time."""
        terms, _ = cls.objects.get_or_create(
            pk=1,
            defaults={
                "price_min": settings.BUNDLE_PRICE_MIN,
                "price_max": settings.BUNDLE_PRICE_MAX,
                "commission_percent": settings.PLATFORM_COMMISSION_PERCENT,
                "tax_percent": settings.TAX_PERCENT,
                "refund_window_days": settings.REFUND_WINDOW_DAYS,
            },
        )
        return terms


class Bundle(models.Model):
    """An offer: so much data, for so many days, to so many customers at once."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bundles"
    )
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    data_limit_gb = models.PositiveIntegerField(help_text="Each customer's allowance")
    price = models.PositiveIntegerField(help_text="TZS")
    duration_days = models.PositiveIntegerField()
    max_connections = models.PositiveSmallIntegerField(default=1, help_text="Devices per customer")
    max_clients = models.PositiveIntegerField(help_text="Seats: customers at once")
    speed_kbps = models.PositiveIntegerField(
        default=0, help_text="Kilobits a second each way; 0 for no limit"
    )
    starts_on_first_use = models.BooleanField(
        default=False, help_text="The days count from the first connection, not from the payment"
    )
    is_active = models.BooleanField(default=True)
    picture = models.ImageField(upload_to=PICTURES, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["price", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(data_limit_gb__gt=0)
                & Q(price__gt=0)
                & Q(duration_days__gt=0)
                & Q(max_connections__gt=0),
                name="bundle_is_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def picture_url(self) -> str:
        """Where the picture is served, for ever: another one has another name. "" for none."""
        return f"/{self.picture.name}" if self.picture else ""

    def clean(self) -> None:
        terms = Terms.current()
        if not terms.price_min <= (self.price or 0) <= terms.price_max:
            raise ValidationError(
                {
                    "price": _(
                        "The price must lie between {least:,} and {most:,} shillings."
                    ).format(least=terms.price_min, most=terms.price_max)
                }
            )
        taken = self.seats.count() if self.pk else 0
        if (self.max_clients or 0) < taken:
            raise ValidationError(
                {
                    "max_clients": _("{taken} places are taken: at least so many.").format(
                        taken=taken
                    )
                }
            )


class CatalogueVersion(models.Model):
    """Another word with each change of a bundle or of an owner's name: one row, under primary key 1.

    The database sets it in the transaction of the change, see `bundles.catalogue_triggers`.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    version = models.CharField(max_length=36)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="catalogue_version_one_row"),
        ]

    def __str__(self) -> str:
        return self.version


class BundleVersion(models.Model):
    """What a bundle was from a moment on. Append-only."""

    OFFER = (
        "name",
        "price",
        "data_limit_gb",
        "duration_days",
        "max_clients",
        "max_connections",
        "speed_kbps",
        "starts_on_first_use",
        "is_active",
    )

    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="versions")
    name = models.CharField(max_length=100)
    price = models.PositiveIntegerField(help_text="TZS")
    data_limit_gb = models.PositiveIntegerField()
    duration_days = models.PositiveIntegerField()
    max_clients = models.PositiveIntegerField()
    max_connections = models.PositiveSmallIntegerField()
    speed_kbps = models.PositiveIntegerField()
    starts_on_first_use = models.BooleanField()
    is_active = models.BooleanField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = "version"

    def __str__(self) -> str:
        return f"{self.name} for TZS {self.price:,}"


class Purchase(models.Model):
    """One customer's decision to buy one bundle, at the price and terms of that moment.

    Payments refer to it by `subject`; a failed payment leaves it open for the next try.
    """

    class State(models.TextChoices):
        AWAITING_PAYMENT = "awaiting_payment", "Awaiting payment"
        PAID = "paid", "Paid"
        ABANDONED = "abandoned", "Abandoned"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases"
    )
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="purchases")
    state = models.CharField(max_length=20, choices=State, default=State.AWAITING_PAYMENT)
    pay_reference = ReferenceField(
        max_length=8,
        unique=True,
        null=True,
        blank=True,
        help_text="What to dial to pay by a provider's menu; empty until it is asked for",
    )
    gift_phone = models.CharField(
        max_length=20,
        blank=True,
        help_text="Whom it is for, E.164; empty for the customer's own, and once forgotten",
    )
    price = models.PositiveIntegerField(help_text="TZS")
    data_limit_gb = models.PositiveIntegerField()
    duration_days = models.PositiveIntegerField()
    commission_percent = models.PositiveSmallIntegerField()
    tax_percent = models.PositiveSmallIntegerField()
    warned_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the customer was told that an earlier payment may still go through",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    open_bundle = models.GeneratedField(
        expression=Case(When(state="awaiting_payment", then=F("bundle_id")), default=Value(None)),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        indexes = [models.Index(fields=["state"], name="purchase_state_shown")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "open_bundle", "gift_phone"],
                name="purchase_one_open_per_receiver",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["awaiting_payment", "paid", "abandoned"]),
                name="purchase_state",
            ),
        ]

    def __str__(self) -> str:
        return f"Purchase {self.pk}"

    @property
    def subject(self) -> str:
        """How payments name this purchase without knowing what it is."""
        return f"purchase:{self.pk}"

    @staticmethod
    def id_from(subject: str) -> int:
        """The primary key inside a subject. Raises ValueError for anything else."""
        kind, _, key = subject.partition(":")
        if kind != "purchase":
            raise ValueError(f"not a purchase: {subject!r}")
        return int(key)


class Subscription(models.Model):
    """What a customer may use, and until when; purchases of the same bundle extend it."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        ENDED = "ended", "Ended"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="subscriptions"
    )
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="subscriptions")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    data_limit_bytes = models.PositiveBigIntegerField()
    data_used_bytes = models.PositiveBigIntegerField(default=0)
    max_connections = models.PositiveSmallIntegerField()
    speed_kbps = models.PositiveIntegerField(default=0)
    awaits_first_use = models.BooleanField(
        default=False, help_text="Its days have not begun; `ends_at` is the last day to begin"
    )
    used_up_at = models.DateTimeField(null=True, blank=True)
    told_percent = models.PositiveSmallIntegerField(
        default=0, help_text="Of the allowance: what the customer knows to be used"
    )
    notice_at = models.DateTimeField(
        null=True,
        blank=True,
        db_index=True,
        help_text="When there may be something to tell the customer",
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    live_bundle = models.GeneratedField(
        expression=Case(When(state="active", then=F("bundle_id")), default=Value(None)),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["state"], name="subscription_state_shown"),
            # Who could use theirs on a day is counted from this alone.
            models.Index(
                fields=["ends_at", "created_at", "ended_at", "bundle"], name="subscription_lived"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "live_bundle"], name="subscription_one_active_per_bundle"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="subscription_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "ended"]), name="subscription_state"
            ),
        ]

    def __str__(self) -> str:
        return f"Subscription {self.pk}"

    def is_active_at(self, moment: datetime) -> bool:
        """Whether it may be used at that time."""
        return self.state == self.State.ACTIVE and moment < self.ends_at

    @property
    def is_active(self) -> bool:
        return self.is_active_at(timezone.now())

    @property
    def own_renewal(self) -> Renewal | None:
        """Its renewal from credit, if one was ever switched on."""
        return getattr(self, "renewal", None)

    @property
    def is_renewed(self) -> bool:
        """Whether it is bought again by itself while its customer's credit lasts."""
        renewal = self.own_renewal
        return self.is_active and renewal is not None and renewal.is_on

    @property
    def is_spent(self) -> bool:
        """Whether its gateway lets no further packet pass."""
        return self.data_used_bytes > self.data_limit_bytes - LAST_PACKET_BYTES

    @property
    def reached_percent(self) -> int:
        """The highest of TOLD_PERCENTS that is used; 0 for none."""
        if self.is_spent:
            return 100
        used = self.data_used_bytes * 100
        reached = [percent for percent in TOLD_PERCENTS if used >= self.data_limit_bytes * percent]
        return max(reached, default=0)

    def allow(self, data_bytes: int) -> None:
        """Add to its allowance, or take from it below zero; does not save.

        What of the new allowance is used already is no news to anybody.
        """
        self.data_limit_bytes += data_bytes
        self.told_percent = self.reached_percent
        self.used_up_at = (self.used_up_at or timezone.now()) if self.is_spent else None
        self.notice_at = timezone.now()


class Activation(models.Model):
    """The proof that one paid purchase became service, once: data in bytes, time in days."""

    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="activation")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="activations"
    )
    data_bytes = models.PositiveBigIntegerField()
    days = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was taken back because its money was gone"
    )
    earned_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When the owner had earned the sale"
    )
    recorded_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When its fiscal record was written"
    )

    class Meta:
        permissions = [("activate_again", "Can have what was paid activated now")]

    def __str__(self) -> str:
        return f"Activation of purchase {self.purchase_id}"


class FiscalRecord(models.Model):
    """A sale as the tax office is told of it. Never deleted, and the document's bytes never change."""

    class State(models.TextChoices):
        PREPARED = "prepared", "Prepared"
        SENDING = "sending", "Being sent"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        WAITING_RETRY = "waiting_retry", "To be sent again"
        BLOCKED = "blocked", "Blocked"

    NOBODY_ASKS = "null"  # the channel of a seller who owes no receipts

    purchase = models.OneToOneField(
        Purchase, on_delete=models.PROTECT, related_name="fiscal_record"
    )
    payment = models.OneToOneField(
        "payments.Payment", on_delete=models.PROTECT, related_name="fiscal_record"
    )
    channel = models.CharField(max_length=20)
    reference = ReferenceField(max_length=64, unique=True)
    amount = models.PositiveIntegerField(help_text="TZS, tax contained")
    state = models.CharField(max_length=15, choices=State)
    document = models.BinaryField(blank=True)
    number = models.CharField(max_length=40, blank=True)
    verification_code = models.CharField(max_length=40, blank=True)
    qr_url = models.CharField(max_length=255, blank=True)
    answer = models.TextField(blank=True, help_text="The channel's last, as it came")
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["channel", "state"], name="fiscal_channel_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["prepared", "sending", "acknowledged", "waiting_retry", "blocked"]
                ),
                name="fiscal_state",
            ),
        ]

    def __str__(self) -> str:
        return str(self.number or self.reference)

    @property
    def shown_state(self) -> str:
        """As staff and reports are told."""
        if self.channel == self.NOBODY_ASKS:
            return "Not asked for"
        return self.get_state_display()


class FiscalCorrection(models.Model):
    """What of a sale was undone, kept beside its record for channels that take corrections."""

    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, related_name="fiscal_corrections"
    )
    reference = ReferenceField(max_length=64, unique=True)
    amount = models.PositiveIntegerField(help_text="TZS")
    why = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.reference)


class Seat(models.Model):
    """One of a bundle's `max_clients` places, held while the PIN is waited for, then used.

    A row exists only while the place is taken. `held_until` is empty once a subscription uses it, or a
    gift is paid that waits for whom it is for.
    """

    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="seats")
    number = models.PositiveIntegerField()
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="seats",
        help_text="Empty for a gift's",
    )
    purchase = models.OneToOneField(
        Purchase,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="seat",
        help_text="The gift that the place is kept for",
    )
    held_until = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bundle", "number"], name="seat_taken_once"),
            models.UniqueConstraint(fields=["bundle", "customer"], name="seat_one_per_customer"),
            models.CheckConstraint(condition=Q(number__gte=1), name="seat_numbers_from_one"),
            models.CheckConstraint(
                condition=Q(customer=None, purchase__isnull=False)
                | Q(customer__isnull=False, purchase=None),
                name="seat_of_one_holder",
            ),
        ]

    def __str__(self) -> str:
        return f"Seat {self.number} of bundle {self.bundle_id}"


def terms_snapshot(bundle: Bundle, terms: Terms) -> dict[str, Any]:
    """What a purchase keeps of the offer, so that later changes never touch it."""
    return {
        "price": bundle.price,
        "data_limit_gb": bundle.data_limit_gb,
        "duration_days": bundle.duration_days,
        "commission_percent": terms.commission_percent,
        "tax_percent": terms.tax_percent,
    }
