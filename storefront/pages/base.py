"""What every page of the web has: who is there, in which language, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core import signing
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
TYPED = "typed"  # a signed cookie: a page's path, and what was typed there and could not be taken
TYPED_SECONDS = 30 * 60
COOKIE_MOST = 4_000  # bytes: what every browser takes
NEVER_KEPT = ("csrfmiddlewaretoken", "password", "old_password", "code")


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
        _forget_typed(request, response)
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
            return sign_in_first(request)
        return view(request, *args, **kwargs)

    return page(run)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the form for signing in, and back; a form that was sent meanwhile finds its words again."""
    way_back = urlencode({"next": page_behind(request)})
    answer = HttpResponseRedirect(f"{reverse('web-login')}?{way_back}")
    if request.method == "POST":
        messages.error(request, translation.gettext("Sign in once more, then send it again."))
        _keep_typed(request, answer)
    return answer


def page_behind(request: HttpRequest) -> str:
    """The page on which a form or a button was sent; what was only looked at is that page itself."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    if request.method == "POST" and came_from.netloc == request.get_host():
        return f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
    return request.get_full_path()


def typed(request: HttpRequest) -> dict[str, Any]:
    """What was sent from this page and could not be taken, for its form to begin with."""
    try:
        kept = signing.loads(request.COOKIES.get(TYPED, ""), salt=TYPED, max_age=TYPED_SECONDS)
    except signing.BadSignature:
        return {}
    path, fields = kept
    return dict(fields) if path == _path_behind(request) else {}


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
    person = person_at(request)
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in dict(settings.LANGUAGES):
        return chosen
    if person is not None:
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
    back = page_behind(request) if request.method == "POST" else ""
    context = {"refusal": said(refusal), "back": back}
    answer = render(request, "web/refused.html", context, status=refusal.status)
    if request.method == "POST":
        _keep_typed(request, answer)
    return answer


def said(refusal: DomainError) -> str:
    """A refusal in the reader's language, where it is a sentence without figures."""
    return translation.gettext(str(refusal))


def _keep_typed(request: HttpRequest, answer: HttpResponse) -> None:
    """But for secrets, pictures and what is very long."""
    fields = {name: text for name, text in request.POST.items() if name not in NEVER_KEPT}
    kept = signing.dumps([_path_behind(request), fields], salt=TYPED, compress=True)
    if fields and len(kept) <= COOKIE_MOST:
        answer.set_cookie(
            TYPED,
            kept,
            max_age=TYPED_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )


def _forget_typed(request: HttpRequest, answer: HttpResponse) -> None:
    """Once it is sent again."""
    if request.method == "POST" and TYPED not in answer.cookies and typed(request):
        answer.delete_cookie(TYPED)


def _path_behind(request: HttpRequest) -> str:
    return urlsplit(page_behind(request)).path


def _as_the_api_has_it(request: HttpRequest) -> Request:
    asked = Request(request, parsers=(FormParser(),))
    asked.user = request.user
    return asked


def _person(request: HttpRequest) -> User | None:
    digest = request.session.get(TOKEN)
    if not digest or not isinstance(request.user, User):
        return None
    tokens = AuthToken.objects.filter(pk=digest, user=request.user, expiry__gt=timezone.now())
    if not tokens.exists():
        del request.session[TOKEN]  # the pages' menu goes by it
        return None
    return request.user
