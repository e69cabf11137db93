"""People, for staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest
from knox.admin import AuthTokenAdmin
from knox.models import AuthToken
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import User
from common import phone as phones
from common.admin import FOUND_MAX, Endless, ModelAdmin, Sought, newest
from common.shown_phone import phone_column, sees_phones


def person_behind(request: HttpRequest) -> User:
    """Who does something in the back-office. Raises PermissionDenied."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def people_called(term: str) -> list[QuerySet[User]]:
    """By an index each: a phone in any form is one person's, else an e-mail or a name begins so."""
    with suppress(phones.InvalidPhoneNumber):
        return [User.objects.filter(phone=phones.parse(term))]
    return [
        User.objects.filter(email__istartswith=term),
        User.objects.filter(full_name__istartswith=term),
    ]


def of_people(
    rows: QuerySet[Any], term: str, column: str = "customer"
) -> Iterator[QuerySet[Any, int]]:
    """For `Sought`: the rows of the people that the term could mean."""
    for people in people_called(term):
        yield newest(rows.filter(**{f"{column}__in": list(newest(people)[:FOUND_MAX])}))


@admin.register(User)
class UserAdmin(Endless, Sought, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-id",)
    list_display = ("full_name", "email", "phone", "role", "is_active", "created_at")
    list_filter = ("role", "is_active", "is_staff", "created_at")
    search_help_text = "Phone in any form, e-mail, the beginning of a name"
    list_per_page = 50
    readonly_fields = ("created_at", "last_login")
    filter_horizontal = ()  # two boxes beside each other are wider than most windows
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

    def get_list_display(self, request: HttpRequest) -> list[str | Callable[[Any], str | bool]]:
        phone = phone_column(request, lambda user: user.phone, ordering="phone")
        return [phone if name == "phone" else name for name in self.list_display]

    def sought(self, term: str) -> list[QuerySet[User, int]]:
        return [newest(people) for people in people_called(term)]

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Without the phone for those who may not read it, which the page above shows masked, and
        without what Django tells of the password to those who cannot change it.
        """
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        hidden = {
            *([] if sees_phones(request, obj.pk) else ["phone"]),
            *([] if self.has_change_permission(request, obj) else ["password"]),
        }
        return [
            (
                name,
                {**options, "fields": [each for each in options["fields"] if each not in hidden]},
            )
            for name, options in fieldsets
        ]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """A handful of roles, each with a box to tick."""
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody gives more than a role, nor themselves another, who is not allowed everything already."""
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        own = ("groups",) if obj is not None and obj.pk == request.user.pk else ()
        return (*fields, "is_superuser", "user_permissions", *own)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Who could change the password of somebody who may do everything could do everything."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))


# The libraries' pages, with lists that tell no more than they show.
for model in (Group, AuthToken):
    admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


@admin.register(AuthToken)
class TokenAdmin(AuthTokenAdmin, ModelAdmin):
    pass
