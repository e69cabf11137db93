"""A person's own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from knox.models import AuthToken

from accounts.api.throttling import CodeThrottle, PasswordThrottle, ProfileThrottle
from accounts.errors import AlreadyRegistered
from accounts.models import User
from accounts.services import own_phone
from accounts.services.change_profile import change_profile
from accounts.services.delete_account import delete_account
from accounts.services.passwords import change_password
from accounts.services.sign_in import end_session, sessions_of
from common.errors import DomainError
from payments import ledger
from payments.services.return_credit import return_credit
from storefront.pages.base import (
    TOKEN,
    count_refusal,
    own_page,
    person_of,
    refuse_flood,
    said,
    sign_out_here,
    typed,
)
from storefront.pages.forms import (
    ChangePhoneForm,
    CodeForm,
    DeleteForm,
    PasswordForm,
    ProfileForm,
)

NEW_PHONE = "new_phone"  # in the session: the number that a code was sent to


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def account(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    known = {name: getattr(person, name) for name in ("full_name", "email", "language")}
    form = ProfileForm(request.POST or None, initial={**known, **typed(request)})
    saved = _("It is saved.")
    if done := _do(request, form, lambda given: _change(request, given), saved):
        return done
    context = {
        "form": form,
        "person": person,
        "sessions": sessions_of(person)[:20],
        "current": request.session.get(TOKEN),
        "credit": ledger.credit_of(person.pk),
    }
    return render(request, "web/account.html", context)


@require_POST
@own_page
def ask_verify(request: HttpRequest) -> HttpResponse:
    refuse_flood(request, CodeThrottle)
    own_phone.ask_to_verify(user=person_of(request))
    return redirect("web-verify-phone")


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def verify_phone(request: HttpRequest) -> HttpResponse:
    phone = person_of(request).phone or ""
    return _by_code(request, own_phone.verify, phone, _("Your phone is confirmed."))


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def change_phone(request: HttpRequest) -> HttpResponse:
    form = ChangePhoneForm(request.POST or None, initial=typed(request))
    person = person_of(request)
    if request.method == "POST":
        refuse_flood(request, CodeThrottle)
        refuse_flood(request, PasswordThrottle)
    if _do(request, form, lambda given: own_phone.ask_to_change(user=person, **given), ""):
        request.session[NEW_PHONE] = form.cleaned_data["phone"]
        return redirect("web-confirm-phone")
    return render(
        request,
        "web/form.html",
        {"form": form, "title": _("Another phone"), "back": reverse("web-account")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def confirm_phone(request: HttpRequest) -> HttpResponse:
    phone = request.session.get(NEW_PHONE, "")
    return _by_code(request, own_phone.change, phone, _("Your phone is changed."))


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    person = person_of(request)

    def change(given: dict[str, Any]) -> None:
        token = AuthToken.objects.get(pk=request.session[TOKEN])
        new, old = given["password"], given["old_password"]
        change_password(user=person, old=old, new=new, session=token)
        person.refresh_from_db()
        update_session_auth_hash(request, person)

    if request.method == "POST":
        refuse_flood(request, PasswordThrottle)
    said_then = _("Your password is changed. You are signed out everywhere else.")
    if done := _do(request, form, change, said_then):
        return done
    return render(
        request,
        "web/form.html",
        {
            "form": form,
            "title": _("Another password"),
            "action": _("Save"),
            "back": reverse("web-account"),
        },
    )


@require_POST
@own_page
def sign_out_elsewhere(request: HttpRequest, session_id: int) -> HttpResponse:
    end_session(user=person_of(request), session_id=session_id)
    return redirect("web-account")


@require_POST
@own_page
def credit_back(request: HttpRequest) -> HttpResponse:
    """All credit goes back to the number that paid."""
    return_credit(customer_id=person_of(request).pk)
    messages.success(request, _("Your credit is on its way back to the number that paid."))
    return redirect("web-account")


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def delete(request: HttpRequest) -> HttpResponse:
    form = DeleteForm(request.POST or None)
    person = person_of(request)
    if request.method == "POST":
        refuse_flood(request, PasswordThrottle)
    if _do(request, form, lambda given: delete_account(user=person, **given), ""):
        sign_out_here(request)
        messages.success(request, _("Your account is deleted."))
        return redirect("web-home")
    return render(
        request,
        "web/form.html",
        {
            "form": form,
            "title": _("Delete my account"),
            "about": _(
                "Your name, phone and e-mail address are removed for good. "
                "What the law has us keep of payments stays, without your name."
            ),
            "action": _("Delete my account"),
            "is_final": True,
            "back": reverse("web-account"),
        },
    )


def _by_code(
    request: HttpRequest, use: Callable[..., User], phone: str, said_then: str
) -> HttpResponse:
    form = CodeForm(request.POST or None)
    person = person_of(request)
    if request.method == "POST":
        refuse_flood(request, CodeThrottle)
    act: Callable[[dict[str, Any]], object] = lambda given: use(  # noqa: E731
        user=person, digits=given["code"].strip()
    )
    if done := _do(request, form, act, said_then):
        return done
    return render(
        request,
        "web/form.html",
        {
            "form": form,
            "title": _("Confirm the phone"),
            "about": _("The code goes to {phone} by SMS.").format(phone=phone) if phone else "",
            "back": reverse("web-account"),
        },
    )


def _change(request: HttpRequest, given: dict[str, Any]) -> None:
    refuse_flood(request, ProfileThrottle)
    try:
        change_profile(user=person_of(request), changes=given)
    except AlreadyRegistered:
        count_refusal(request, ProfileThrottle)
        raise


def _do(
    request: HttpRequest,
    form: Form,
    act: Callable[[dict[str, Any]], object],
    said_then: str,
) -> HttpResponse | None:
    """Act on a form that was sent and is whole; then the account's page, else None."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        act(form.cleaned_data)
    except DomainError as refusal:
        form.add_error(None, said(refusal))
        return None
    if said_then:
        messages.success(request, said_then)
    return redirect("web-account")
