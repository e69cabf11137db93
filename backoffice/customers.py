"""People, with what only the back-office knows of them: all of a customer on one page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from unfold.decorators import action

from accounts.admin import UserAdmin, person_behind
from accounts.models import User
from backoffice.customer_page import CustomerPage, page_of, subject_of
from backoffice.notes import NoteForm, add_note, may_note
from common.admin import WithPage
from common.confirmation import Question, confirm
from common.shown_phone import may_be_shown, show_phones


class CustomerAdmin(WithPage, UserAdmin):
    """A person's page begins with what support needs."""

    change_form_outer_before_template = "backoffice/customer.html"
    actions_detail = ["note"]

    def get_urls(self) -> list[URLPattern]:
        show = path(
            "<int:user_id>/show-phone/",
            self.admin_site.admin_view(self.show_phone),
            name="accounts_user_show_phone",
        )
        return [show, *super().get_urls()]

    def page_of(self, request: HttpRequest, row: User) -> CustomerPage:
        return page_of(row, request)

    @method_decorator(require_POST)
    def show_phone(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Let the reader have this person's numbers for some minutes, and log it."""
        user = get_object_or_404(User, pk=user_id)
        if not may_be_shown(request, user.pk):
            return HttpResponseForbidden()
        self.log_change(request, user, "Showed the phone number")
        show_phones(request, user.pk)
        return HttpResponseRedirect(_back(request, user))

    @action(description="Add a note", url_path="note", permissions=["note"], icon="edit_note")
    def note(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = get_object_or_404(User, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[User, str]:
            add_note(
                subject=subject_of(user),
                text=answers["why"],
                author=person_behind(request),
                key=answers["key"],
            )
            return user, "The note is kept."

        question = Question(
            title=f"A note on {user}",
            button="Keep the note",
            back=reverse("admin:accounts_user_change", args=[user.pk]),
            sentences=["Everybody who serves this customer reads it. It is never changed."],
        )
        return confirm(
            self, request, question=question, form=NoteForm(request.POST or None), act=act
        )

    def has_note_permission(self, request: HttpRequest, object_id: str | int | None = None) -> bool:
        return may_note(request)


def _back(request: HttpRequest, user: User) -> str:
    """The page whose button was pressed, if it is one of ours."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("admin:accounts_user_change", args=[user.pk])


admin.site.unregister(User)
admin.site.register(User, CustomerAdmin)
