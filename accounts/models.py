"""People: customers, owners of bundles, and staff."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone


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
    """One person. The phone is E.164 and, until phones are verified by code, counts as theirs."""

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
        names = self.full_name.split()
        return " ".join([*names[:1], *(f"{name[0]}." for name in names[1:][-1:])])
