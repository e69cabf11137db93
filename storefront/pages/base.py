"""What every page of the web has: who is there, in which language, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from knox.models import AuthToken
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from accounts.api.throttling import RegisterThrottle
from accounts.models import User
from accounts.services.sign_in import begin_session
from common.errors import DomainError

View = Callable[..., HttpResponse]
TOKEN = "session"  # noqa: S105 - in Django's session: the digest of the token that this browser is listed by


class TooManyTries(DomainError):
    code = "too_many_requests"
    status = 429


def page(view: View) -> View:
    """A page for everybody; `request.user` is nobody unless they have signed in here."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = language_of(request)
        with translation.override(language), timezone.override(settings.BUSINESS_TIME_ZONE):
            try:
                response = view(request, *args, **kwargs)
            except DomainError as refusal:
                response = refused(request, refusal)
        response.headers["Content-Language"] = language
        response.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, ["Cookie", "Accept-Language"])
        return response

    return run


def own_page(view: View) -> View:
    """A page for whoever has signed in; others sign in first and come back."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if person_at(request) is None:
            way_back = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('web-login')}?{way_back}")
        return view(request, *args, **kwargs)

    return page(run)


def person_at(request: HttpRequest) -> User | None:
    """Who has signed in on the web, and not been signed out elsewhere since; asked once a request."""
    if not hasattr(request, "_person"):
        request._person = _person(request)  # type: ignore[attr-defined]
    person: User | None = request._person  # type: ignore[attr-defined]
    return person


def person_of(request: HttpRequest) -> User:
    """The same on an own page, where there is somebody. Raises PermissionDenied."""
    if (person := person_at(request)) is None:
        raise PermissionDenied
    return person


def sign_in_here(request: HttpRequest, person: User) -> None:
    """From now on this browser is one of the person's sessions."""
    token, _ = begin_session(user=person, device=request.headers.get("User-Agent", ""))
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[TOKEN] = token.pk
    request.session.set_expiry(token.expiry)


def sign_out_here(request: HttpRequest) -> None:
    AuthToken.objects.filter(pk=request.session.get(TOKEN, "")).delete()
    logout(request)


def way_on(request: HttpRequest, default: str) -> str:
    """Where somebody wanted to go before they had to sign in; nowhere but here."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours and wanted.startswith("/") else default


def language_of(request: HttpRequest) -> str:
    """What was chosen here, else the person's own, else what the browser asks for, else Swahili."""
    known = dict(settings.LANGUAGES)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in known:
        return chosen
    if (person := person_at(request)) is not None:
        return person.language
    asked = request.headers.get("Accept-Language", "").lower()
    return "en" if asked.startswith("en") else "sw"


def refuse_flood(request: HttpRequest, throttle: type[SimpleRateThrottle]) -> None:
    """The API's own limit for this request. Raises TooManyTries."""
    if not throttle().allow_request(_as_the_api_has_it(request), APIView()):
        raise TooManyTries("Too many requests. Try again later.")


def count_refusal(request: HttpRequest, throttle: type[RegisterThrottle]) -> None:
    """An address or phone was refused, as the API counts it."""
    throttle().count(_as_the_api_has_it(request), APIView())


def refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """A page that says why something could not be done, with a way back."""
    context = {"refusal": said(refusal), "back": request.headers.get("Referer", "")}
    return render(request, "web/refused.html", context, status=refusal.status)


def said(refusal: DomainError) -> str:
    """A refusal in the reader's language, where it is a sentence without figures."""
    return translation.gettext(str(refusal))


def _as_the_api_has_it(request: HttpRequest) -> Request:
    asked = Request(request, parsers=(FormParser(),))
    asked.user = request.user
    return asked


def _person(request: HttpRequest) -> User | None:
    digest = request.session.get(TOKEN)
    if not digest or not isinstance(request.user, User):
        return None
    tokens = AuthToken.objects.filter(pk=digest, user=request.user, expiry__gt=timezone.now())
    return request.user if tokens.exists() else None
