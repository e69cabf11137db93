"""Signing in, out and up, a forgotten password, and the language."""

from __future__ import annotations

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.throttling import CodeThrottle, RegisterThrottle, SignInThrottle
from accounts.errors import AlreadyRegistered
from accounts.models import User
from accounts.services.change_profile import change_profile
from accounts.services.passwords import ask_to_reset, reset_password
from accounts.services.register import register
from accounts.services.sign_in import check_password
from common.errors import DomainError
from storefront.pages.base import (
    count_refusal,
    language_of,
    page,
    person_at,
    refuse_flood,
    said,
    sign_in_here,
    sign_out_here,
    way_on,
)
from storefront.pages.forms import AskResetForm, LoginForm, RegisterForm, ResetForm

A_YEAR = 365 * 24 * 60 * 60


@require_http_methods(["GET", "HEAD", "POST"])
@page
def sign_in_page(request: HttpRequest) -> HttpResponse:
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, SignInThrottle)
        given = form.cleaned_data
        try:
            person = check_password(name=given["email"], password=given["password"])
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            sign_in_here(request, person)
            return HttpResponseRedirect(way_on(request, "/internet"))
    return _form(request, form, "web/login.html")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def register_page(request: HttpRequest) -> HttpResponse:
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, RegisterThrottle)
        try:
            person = register(**form.cleaned_data, role=User.Role.CUSTOMER)
        except DomainError as refusal:
            if isinstance(refusal, AlreadyRegistered):
                count_refusal(request, RegisterThrottle)
            form.add_error(None, said(refusal))
        else:
            person = change_profile(user=person, changes={"language": language_of(request)})
            sign_in_here(request, person)
            return HttpResponseRedirect(way_on(request, "/"))
    return _form(request, form, "web/register.html")


@require_POST
@page
def sign_out_page(request: HttpRequest) -> HttpResponse:
    sign_out_here(request)
    return redirect("web-home")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def ask_reset_page(request: HttpRequest) -> HttpResponse:
    """The same answer whether or not the phone has an account."""
    form = AskResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, CodeThrottle)
        ask_to_reset(phone=form.cleaned_data["phone"])
        request.session["reset_phone"] = form.cleaned_data["phone"]
        return redirect("web-reset")
    return _form(request, form, "web/ask_reset.html")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def reset_page(request: HttpRequest) -> HttpResponse:
    form = ResetForm(request.POST or None, initial={"phone": request.session.get("reset_phone")})
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, CodeThrottle)
        given = form.cleaned_data
        try:
            person = reset_password(
                phone=given["phone"], digits=given["code"].strip(), new=given["password"]
            )
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            sign_in_here(request, person)
            return redirect("web-internet")
    return _form(request, form, "web/reset.html")


@require_POST
@page
def language_page(request: HttpRequest) -> HttpResponse:
    """Remember the language in this browser, and for whoever has signed in."""
    wanted = request.POST.get("language", "")
    answer = HttpResponseRedirect(way_on(request, "/"))
    if wanted in dict(settings.LANGUAGES):
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            wanted,
            max_age=A_YEAR,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        if (person := person_at(request)) is not None:
            change_profile(user=person, changes={"language": wanted})
    return answer


def _form(request: HttpRequest, form: Form, template: str) -> HttpResponse:
    return render(request, template, {"form": form, "next": way_on(request, "")})
