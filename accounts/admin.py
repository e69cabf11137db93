"""People, for staff."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import User


def person_behind(request: HttpRequest) -> User:
    """Who does something in the back-office. Raises PermissionDenied."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-id",)
    list_display = ("full_name", "email", "phone", "role", "is_active", "created_at")
    list_filter = ("role", "is_active", "is_staff", "created_at")
    search_fields = ("full_name", "email", "phone")
    list_per_page = 50
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("full_name", "email", "phone", "password")}),
        ("Account", {"fields": ("role", "language", "is_active", "created_at", "last_login")}),
        ("Back-office", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "full_name",
                    "email",
                    "phone",
                    "role",
                    "is_staff",
                    "password1",
                    "password2",
                )
            },
        ),
    )
