"""Providers' statements: the files, their lines, and what each line was matched with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.ledger import Posting
from payments.models.names import ProviderName
from payments.models.payments import MobileMoneyTransaction
from payments.models.transfers import Transfer


class StatementProfile(models.Model):
    """How one kind of file is read. A change is a new version: files keep the one they were read by."""

    name = models.CharField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    provider = models.CharField(max_length=20, choices=ProviderName)
    columns = models.JSONField(
        help_text="For each of our columns the names that a file may give it"
    )
    dates = models.CharField(
        max_length=40,
        blank=True,
        help_text="How dates are written, as strptime reads them; empty: each file tells",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["provider", "name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "name", "version"], name="profile_version"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class StatementFile(models.Model):
    """One file as it was uploaded or pulled. The same content is taken once for an account."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be read"
        READING = "reading", "Being read"
        READ = "read", "Read"
        REFUSED = "refused", "Refused"

    provider = models.CharField(max_length=20, choices=ProviderName)
    account = ReferenceField(max_length=30, help_text="The till or short code it is of")
    name = models.CharField(max_length=150)
    content = models.FileField(upload_to="statements/")
    sha256 = ReferenceField(max_length=64)
    profile = models.ForeignKey(
        StatementProfile, null=True, blank=True, on_delete=models.PROTECT, related_name="files"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    why = models.CharField(max_length=255, blank=True, help_text="Why it was refused")
    dates = models.CharField(
        max_length=40,
        blank=True,
        help_text="How its dates are written, as strptime reads them; empty: found out",
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often its reading began")
    rows_below_header = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0, help_text="Rows read so far")
    rows_new = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_known = models.PositiveIntegerField(default=0)
    rows_faulty = models.PositiveIntegerField(default=0)
    begins_at = models.DateTimeField(null=True, blank=True, help_text="Of its first line")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Of its last line")
    opening_balance = models.BigIntegerField(null=True, blank=True, help_text="TZS")
    closing_balance = models.BigIntegerField(null=True, blank=True, help_text="TZS")
    balance_breaks = models.PositiveIntegerField(
        default=0, help_text="Lines whose balance does not follow from the line before"
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(
        default=timezone.now, help_text="When the task that reads it last said so"
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("import_statement", "Can import statements and keep their profiles")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "account", "sha256"], name="statement_file_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "reading", "read", "refused"]),
                name="statement_file_state",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Bucket(models.TextChoices):
    """Where a line is: in exactly one."""

    NEW = "new", "Not looked at"
    MATCHED = "matched", "Matched"
    SUGGESTED = "suggested", "Suggested"
    AMBIGUOUS = "ambiguous", "Ambiguous"
    PAID_NO_ORDER = "paid_no_order", "Money without an order"
    AMOUNT_UNDER = "amount_under", "Less than we have"
    AMOUNT_OVER = "amount_over", "More than we have"
    DUPLICATE_PAYMENT = "duplicate_payment", "Second receipt for one order"
    DUPLICATE_LINE = "duplicate_line", "Same receipt twice"
    STATUS_CONFLICT = "status_conflict", "Paid there, not here"
    LATE_SUCCESS = "late_success", "Paid after the time was over"
    REVERSED = "reversed", "Reversed after activation"
    FEE_DIFFERENCE = "fee_difference", "Fee without its payment"
    FOREIGN_CURRENCY = "foreign_currency", "Not in shillings"
    MASKED_IDENTITY = "masked_identity", "Only a masked number names it"
    OWN_MOVEMENT = "own_movement", "Settlement or float"
    EVIDENCE = "evidence", "Moved no money"


class StatementLine(models.Model):
    """One movement on a provider's account, as its latest statement tells it.

    `amount` is signed: positive came in. A row that a later file tells otherwise is changed here, and
    how it was is kept as a LineVersion.
    """

    class Kind(models.TextChoices):
        COLLECTION = "collection", "Collection"
        DISBURSEMENT = "disbursement", "Disbursement"
        REVERSAL = "reversal", "Reversal"
        FEE = "fee", "Fee"
        SETTLEMENT = "settlement", "To the bank"
        TOP_UP = "top_up", "Float topped up"
        OTHER = "other", "Other"

    provider = models.CharField(max_length=20, choices=ProviderName)
    account = ReferenceField(max_length=30)
    receipt = ReferenceField(max_length=40, help_text="Upper case")
    kind = models.CharField(max_length=12, choices=Kind)
    is_incoming = models.BooleanField()
    amount = models.BigIntegerField(help_text="TZS; positive came in")
    moves_money = models.BooleanField(
        default=True, help_text="False for what failed or was declined"
    )
    status = models.CharField(max_length=30, blank=True, help_text="As the provider writes it")
    completed_at = models.DateTimeField()
    balance = models.BigIntegerField(null=True, blank=True, help_text="TZS after it")
    reference = ReferenceField(max_length=64, blank=True, help_text="Ours, where the file has it")
    msisdn = models.CharField(
        max_length=20, blank=True, help_text="E.164, or masked as in the file"
    )
    party = models.CharField(max_length=150, blank=True)
    linked_receipt = ReferenceField(max_length=40, blank=True)
    details = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=3, default="TZS")
    part = models.PositiveBigIntegerField(
        default=0, help_text="Which fee of its receipt it is, told by amount and time; 0 for others"
    )
    version = models.PositiveIntegerField(default=1)
    row_hash = ReferenceField(max_length=64, help_text="SHA-256 of the row as it was read")
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="lines")
    row = models.PositiveIntegerField(help_text="Its place in the file, from 1")
    bucket = models.CharField(max_length=20, choices=Bucket, default=Bucket.NEW)
    balance_breaks = models.BooleanField(
        default=False, help_text="The balance does not follow from the line before"
    )

    class Meta:
        ordering = ["-completed_at", "-id"]
        indexes = [
            models.Index(fields=["bucket", "completed_at"], name="line_bucket"),
            models.Index(fields=["provider", "completed_at"], name="line_day"),
            models.Index(fields=["completed_at"], name="line_completed"),
            models.Index(fields=["reference"], name="line_reference"),
            models.Index(fields=["msisdn"], name="line_msisdn"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["receipt", "provider", "account", "kind", "is_incoming", "part"],
                name="line_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.receipt)


class LineVersion(models.Model):
    """How a line was before a later file told it otherwise. Append-only."""

    line = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="+")
    row = models.PositiveIntegerField()
    was = models.JSONField(help_text="Its columns before the change")
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["line", "version"]
        constraints = [
            models.UniqueConstraint(fields=["line", "version"], name="line_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.line} version {self.version}"


class FaultyRow(models.Model):
    """A row of a file that could not be read: kept as it is, never dropped and never taken as zero."""

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="faults")
    row = models.PositiveIntegerField()
    text = models.TextField(help_text="The row, cells separated by |")
    why = models.CharField(max_length=255)

    class Meta:
        ordering = ["file", "row"]
        constraints = [models.UniqueConstraint(fields=["file", "row"], name="faulty_row_once")]

    def __str__(self) -> str:
        return f"row {self.row}"

    @property
    def beginning(self) -> str:
        """As much of it as a list shows."""
        return self.text if len(self.text) <= 200 else f"{self.text[:200]}…"


class Match(models.Model):
    """That a line is the money of an attempt, a transfer or a bank posting, and by which rule.
    Append-only.

    It is undone by a contra, a row of its own that names it; a suggestion is confirmed the same way.
    """

    class Rule(models.TextChoices):
        """features.md, section 4.1; the first that holds is kept."""

        R1 = "R1", "Receipt and amount"
        R2 = "R2", "Our reference and amount"
        R3 = "R3", "Our reference in the details, and amount"
        R4 = "R4", "The provider's other id and amount"
        R5 = "R5", "Phone, amount and time"
        R7 = "R7", "One receipt for several orders"
        R8 = "R8", "Reversal of a matched line"
        R9 = "R9", "Fee of a matched line"
        STAFF = "staff", "By hand"

    class State(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        SUGGESTED = "suggested", "Suggested"
        UNDONE = "undone", "Undone"

    # What these are looked up by is the unique constraint that begins with each.
    line = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, related_name="matches", db_index=False
    )
    attempt = models.ForeignKey(
        MobileMoneyTransaction,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matches",
        db_index=False,
    )
    transfer = models.ForeignKey(
        Transfer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matches",
        db_index=False,
    )
    posting = models.ForeignKey(
        Posting,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="matches",
        help_text="What was recorded of a settlement or a top-up",
    )
    rule = models.CharField(max_length=5, choices=Rule)
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(
        max_length=255, blank=True, help_text="The fields that agree, or a reason"
    )
    contra_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="contra"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)
    is_live = models.BooleanField(default=True, help_text="False once a contra has undone it")
    # True where no other match may stand for the same line, attempt or transfer; else null.
    holds_line = models.GeneratedField(
        # One receipt may pay several orders, by R7 alone.
        expression=Case(
            When(Q(is_live=True, state="confirmed") & ~Q(rule="R7"), then=Value(True)),
            default=Value(None),
        ),
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )
    holds_attempt = models.GeneratedField(
        # Its collection; a reversal and a fee of it are lines of their own.
        expression=Case(
            When(Q(is_live=True, state="confirmed") & ~Q(rule__in=["R8", "R9"]), then=Value(True)),
            default=Value(None),
        ),
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )
    holds_transfer = models.GeneratedField(
        expression=Case(
            When(Q(is_live=True, state="confirmed") & ~Q(rule="R9"), then=Value(True)),
            default=Value(None),
        ),
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "matches"
        permissions = [
            ("decide_match", "Can confirm, make and undo matches"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["line", "holds_line"], name="match_holds_line"),
            models.UniqueConstraint(
                fields=["attempt", "holds_attempt"], name="match_holds_attempt"
            ),
            models.UniqueConstraint(
                fields=["transfer", "holds_transfer"], name="match_holds_transfer"
            ),
            models.CheckConstraint(
                condition=Q(attempt__isnull=False)
                | Q(transfer__isnull=False)
                | Q(posting__isnull=False),
                name="match_names_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} by {self.rule}"
