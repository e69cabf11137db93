"""The dashboard's page, and each of its charts as a file."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from backoffice.dashboard.charts import CHARTS
from backoffice.dashboard.chosen import ChosenForm
from backoffice.dashboard.sums import Sums
from backoffice.models import Sales
from common.exports import csv_download

PERMISSION = "backoffice.view_dashboard"


def may_see(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(PERMISSION))


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    chosen = form.chosen
    sums = Sums(chosen)
    context = {
        **admin.site.each_context(request),
        "title": "Dashboard",
        "form": form,
        "chosen": chosen,
        "charts": [chart(sums) for chart in CHARTS.values()],
        "query": request.GET.urlencode(),
    }
    return TemplateResponse(request, "backoffice/dashboard.html", context)


@require_safe
def chart_as_csv(request: HttpRequest, key: str) -> HttpResponseBase:
    """What the page shows of the chart, by the same query string; no person is in it."""
    form = _form(request)
    if key not in CHARTS:
        raise Http404
    chosen = form.chosen
    chart = CHARTS[key](Sums(chosen))
    return csv_download(
        request,
        of=Sales,
        name=f"{key}-{chosen.since}-{chosen.until}",
        header=chart.header,
        rows=chart.rows,
        count=len(chart.rows),
    )


def _form(request: HttpRequest) -> ChosenForm:
    if not may_see(request):
        raise PermissionDenied
    return ChosenForm(request.GET)
