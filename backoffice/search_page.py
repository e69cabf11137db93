"""The one box in which staff look for anything, and its page of what was found."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from backoffice.search import search

LONGEST = 200  # characters that are looked for


def search_page(request: HttpRequest) -> HttpResponse:
    """What was found; the row itself where the term means one alone."""
    text = request.GET.get("q", "").strip()[:LONGEST]
    found = search(text, request)
    if found.only is not None:
        return HttpResponseRedirect(found.only.url)
    context = {
        **admin.site.each_context(request),
        "title": "Search",
        "text": text,
        "found": found,
    }
    return TemplateResponse(request, "backoffice/search.html", context)
