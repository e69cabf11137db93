"""The rolled-up tables: payments by the hour and day they began in, and what else a day is told by."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class Span(models.TextChoices):
    """How long a row's time is. Days are sums of their hours, so that a year is read in no time.

    For the same reason there are sums over each owner's bundles, in which `bundle` is the owner, and
    over all bundles: of sales by the hour, of tallies by the day.
    """

    HOUR = "hour", "Hour"
    DAY = "day", "Business day"
    OWN = "own", "All bundles of an owner"
    ALL = "all", "All bundles"


SUMMED = (Span.DAY, Span.OWN, Span.ALL)  # of the hours


class Measure(models.TextChoices):
    """What a tally counts, with what its label means."""

    FAILED = "failed", "Failed payments, by reason"
    TO_PAID = "to_paid", "Seconds from the prompt to the money, by upper edge"
    TO_ACTIVE = "to_active", "Seconds from the money to the service, by upper edge"
    USED = "used", "Bytes used"
    SOLD = "sold", "Bytes sold"
    ACTIVE = "active", "Active subscriptions"
    SHARE = "share", "Owners' share, TZS"
    COMMISSION = "commission", "The platform's commission, TZS"
    TAX = "tax", "Tax contained in the prices, TZS"
    CREDIT = "credit", "Customers' credit, TZS"
    CASES = "cases", "Open cases, by kind and age"
    LINES = "lines", "Statement lines, by bucket"


OF_PAYMENTS = (Measure.FAILED, Measure.TO_PAID, Measure.TO_ACTIVE)
OF_DAYS = (
    Measure.USED,
    Measure.SOLD,
    Measure.ACTIVE,
    Measure.SHARE,
    Measure.COMMISSION,
    Measure.TAX,
    Measure.CREDIT,
    Measure.CASES,
    Measure.LINES,
)
BY_BUNDLE = (
    Measure.USED,
    Measure.SOLD,
    Measure.ACTIVE,
    Measure.SHARE,
    Measure.COMMISSION,
    Measure.TAX,
)


class Sales(models.Model):
    """What became so far of the payments that began in one hour or one day; sums are TZS.

    `provider` is the payment's method. Rows of nothing are not kept.
    """

    span = models.CharField(max_length=4, choices=Span)
    begins_at = models.DateTimeField()
    day = models.DateField(help_text="The business day")
    hour = models.PositiveSmallIntegerField(help_text="Of the business day; 0 for a day")
    provider = models.CharField(max_length=20)
    bundle = models.PositiveBigIntegerField(
        help_text="0: for nothing in particular, or of all; or whose they are"
    )

    begun = models.PositiveIntegerField()
    prompted = models.PositiveIntegerField(help_text="The provider was asked to charge")
    completed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    expired = models.PositiveIntegerField()
    late = models.PositiveIntegerField(help_text="Completed after they had expired")
    activated = models.PositiveIntegerField()
    connected = models.PositiveIntegerField(help_text="Activated, and a device was connected")
    subscriptions = models.PositiveIntegerField(help_text="That began with them")
    asked = models.PositiveBigIntegerField(help_text="Of phones")
    paid = models.PositiveBigIntegerField(help_text="From phones")
    credited = models.PositiveBigIntegerField(help_text="Became the payer's credit")
    refunded = models.PositiveBigIntegerField(help_text="Sent back by us")
    reversed = models.PositiveBigIntegerField(help_text="Taken back by the provider alone")

    class Meta:
        verbose_name_plural = "sales"
        default_permissions = ()
        permissions = [("view_dashboard", "Can see the dashboard")]
        constraints = [
            models.UniqueConstraint(
                fields=["span", "begins_at", "provider", "bundle"], name="sales_once"
            ),
        ]
        indexes = [
            # A year by hour of the day is read from these alone.
            models.Index(
                fields=["span", "day", "hour", "provider", "bundle", "begun", "completed"],
                name="sales_of_days",
            ),
            models.Index(
                fields=["span", "bundle", "day", "hour", "provider", "begun", "completed"],
                name="sales_of_a_bundle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} in the {self.span} from {self.begins_at}"


COUNTS = (
    "begun",
    "prompted",
    "completed",
    "failed",
    "expired",
    "late",
    "activated",
    "connected",
    "subscriptions",
)
SUMS = ("asked", "paid", "credited", "refunded", "reversed")


class Tally(models.Model):
    """How many, and how much of it, by a label: see `Measure`."""

    span = models.CharField(max_length=4, choices=Span)
    begins_at = models.DateTimeField()
    day = models.DateField(help_text="The business day")
    measure = models.CharField(max_length=10, choices=Measure)
    label = models.CharField(max_length=60, blank=True)
    provider = models.CharField(max_length=20, blank=True)
    bundle = models.PositiveBigIntegerField(default=0)
    count = models.PositiveIntegerField(default=0)
    amount = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["span", "begins_at", "measure", "label", "provider", "bundle"],
                name="tally_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["span", "measure", "day", "label", "provider", "bundle", "count", "amount"],
                name="tally_of_the_days",
            ),
            models.Index(
                fields=["span", "bundle", "measure", "day", "label", "provider", "count", "amount"],
                name="tally_of_one_bundle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.label} in the {self.span} from {self.begins_at}"


class OwnerDay(models.Model):
    """How much more lay on an owner's accounts after a business day than before it, and what was paid
    out on it; TZS. What lies there at the end of a day is the sum of all days up to it.
    """

    ALL = 0  # the owner of the sums over all owners

    owner = models.PositiveBigIntegerField(help_text="The person; 0: all of them")
    day = models.DateField(help_text="The business day")
    held = models.BigIntegerField(help_text="Until delivered")
    payable = models.BigIntegerField(help_text="Earned, and not sent yet")
    paid_out = models.BigIntegerField(help_text="Payouts that the provider confirmed")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["owner", "day"], name="owner_day_once")]
        indexes = [models.Index(fields=["day"], name="owner_day_of_a_day")]

    def __str__(self) -> str:
        return f"{self.owner or 'All owners'} on {self.day}"


class RollupMark(models.Model):
    """Up to where changed rows were looked for: one row, locked by whoever writes sums.

    What changed before `at`, and connections up to `connection`, are in the sums for certain.
    `next_at` and `next_connection` take their place once no transaction can be as old.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    at = models.DateTimeField(null=True)
    connection = models.PositiveBigIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    next_connection = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="rollup_mark_one_row")]

    def __str__(self) -> str:
        return f"Rolled up to {self.at}"

    @classmethod
    def current(cls) -> RollupMark:
        mark, _ = cls.objects.get_or_create(pk=1)
        return mark

    @classmethod
    def locked(cls) -> RollupMark:
        """Ours until the transaction ends: two who write the same hour write it one after the other."""
        mark, _ = cls.objects.select_for_update().get_or_create(pk=1)
        return mark

    def advance(self, *, now: datetime, connection: int, settled: datetime) -> None:
        """Move on after a run that began at `now`; transactions begun before `settled` have ended."""
        if self.at is None:
            self.at, self.connection = settled, connection
        if self.next_at is not None and self.next_at <= settled:
            self.at, self.connection = self.next_at, self.next_connection
            self.next_at = None
        if self.next_at is None:
            self.next_at, self.next_connection = now, connection
        self.save()
