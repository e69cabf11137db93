"""The page behind the SMS's link: reveals a configuration once, on a press of the button.

A GET uses nothing up, so that link previews do no harm.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from vpn.services.links import find_link, use_link
from vpn.wireguard_config import customer_config, qr_code_svg


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def one_time_config(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        is_good = find_link(token=token) is not None
        template = "vpn/reveal.html" if is_good else "vpn/link_used.html"
        return render(request, template, status=200 if is_good else 404)
    peer = use_link(token=token)
    if peer is None:
        return render(request, "vpn/link_used.html", status=404)
    text = customer_config(peer)
    # The picture is drawn by segno and holds no text.
    context = {"peer": peer, "text": text, "qr": mark_safe(qr_code_svg(text))}  # noqa: S308
    return render(request, "vpn/config.html", context)
