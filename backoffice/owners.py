"""Owners, with what staff decide and answer by: all of an owner's business on one page."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from backoffice.owner_page import OwnerPage, PeriodForm, page_of
from bundles.admin import OwnerAdmin
from bundles.api.statement_file import statement_file
from bundles.models import Owner
from bundles.owner_statement import NO_PERIOD, statement_of
from common.admin import WithPage
from common.exports import may_export, record_export


class OwnerPageAdmin(WithPage, OwnerAdmin):
    """An owner's page begins with their business."""

    change_form_outer_before_template = "backoffice/owner.html"

    def page_of(self, request: HttpRequest, row: Owner) -> OwnerPage:
        return page_of(row)

    def get_urls(self) -> list[URLPattern]:
        statement = path(
            "<int:owner_id>/statement/",
            self.admin_site.admin_view(self.statement),
            name="bundles_owner_statement",
        )
        return [statement, *super().get_urls()]

    def statement(self, request: HttpRequest, owner_id: int) -> HttpResponse:
        """What the owner can download, for those who take lists away; it is logged."""
        if not (may_export(request) and self.has_view_permission(request)):
            raise PermissionDenied
        owner = Owner.objects.select_related("person").filter(pk=owner_id).first()
        if owner is None:
            raise Http404
        asked = PeriodForm(request.GET)
        if not asked.is_valid():
            self.message_user(request, NO_PERIOD, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:bundles_owner_change", args=[owner.pk]))
        first, last = asked.cleaned_data["first"], asked.cleaned_data["last"]
        found = statement_of(owner.person_id, first, last)
        filters = {"owner": str(owner.pk), "first": f"{first}", "last": f"{last}"}
        record_export(request, of=Owner, count=len(found.lines), filters=filters)
        return statement_file(found, owner=owner.person, form=request.GET.get("form", ""))


admin.site.unregister(Owner)
admin.site.register(Owner, OwnerPageAdmin)
