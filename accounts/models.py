"""People: customers, owners of bundles, and staff."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from knox.models import AuthToken

from common.fields import ReferenceField

# A stolen SIM is noticed within days: until then nobody's earnings go to a new number.
PAYOUTS_FROZEN_FOR = timedelta(hours=72)


class Accounts(BaseUserManager["User"]):
    """Makes accounts; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(
            email, password, role=User.Role.STAFF, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """One person. The phone is E.164; it is proved by an SMS code, or by a payment from it."""

    class Role(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        OWNER = "owner", "Owner"
        STAFF = "staff", "Staff"

    class Language(models.TextChoices):
        SWAHILI = "sw", "Kiswahili"
        ENGLISH = "en", "English"

    full_name = models.CharField(max_length=150, db_index=True)
    email = models.EmailField(unique=True)
    phone = models.CharField(max_length=20, unique=True, null=True, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.CUSTOMER)
    language = models.CharField(max_length=2, choices=Language, default=Language.SWAHILI)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the back-office")
    created_at = models.DateTimeField(default=timezone.now)
    phone_verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the phone was proved to be theirs"
    )
    phone_changed_at = models.DateTimeField(
        null=True, blank=True, help_text="Payouts wait for 72 hours after it"
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When the person had the account deleted"
    )

    objects = Accounts()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        permissions = [
            ("see_phones", "Can read every phone number whole"),
            ("show_phone", "Can have a person's phone number shown, which is logged"),
            ("export_rows", "Can take lists away as files"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["customer", "owner", "staff"]), name="user_role"
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def short_name(self) -> str:
        """First name and initial of the last: what whoever knows only a number may read."""
        if self.deleted_at is not None:
            return self.full_name
        names = self.full_name.split()
        return " ".join([*names[:1], *(f"{name[0]}." for name in names[1:][-1:])])

    @property
    def is_phone_verified(self) -> bool:
        return self.phone_verified_at is not None

    @property
    def payouts_frozen_until(self) -> datetime | None:
        """Until when nothing is paid out, because the phone is a new one."""
        if self.phone_changed_at is None:
            return None
        until = self.phone_changed_at + PAYOUTS_FROZEN_FOR
        return until if timezone.now() < until else None


class PhoneCode(models.Model):
    """A code sent to a phone, for one person and one purpose; good once, for minutes."""

    class Purpose(models.TextChoices):
        VERIFY_PHONE = "verify_phone", "Prove a phone"
        CHANGE_PHONE = "change_phone", "Change to a phone"
        RESET_PASSWORD = "reset_password", "Choose a new password"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="phone_codes")
    phone = models.CharField(max_length=20, help_text="Where the code went")
    purpose = models.CharField(max_length=20, choices=Purpose)
    digest = ReferenceField(max_length=64, help_text="Keyed hash of the code")
    wrong_tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["phone", "created_at"], name="phone_code_sent")]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["verify_phone", "change_phone", "reset_password"]),
                name="phone_code_purpose",
            ),
        ]

    def __str__(self) -> str:
        return f"Code {self.pk}"


class Session(models.Model):
    """Where somebody is signed in: what is told of a token. It ends with the token."""

    token = models.OneToOneField(AuthToken, on_delete=models.CASCADE, related_name="session")
    device = models.CharField(max_length=200, blank=True, help_text="As the client calls itself")
    begun_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.device or f"Session {self.pk}"
