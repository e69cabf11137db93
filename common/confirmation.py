"""An admin page that asks, with a reason, before something is done that cannot be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from redis.exceptions import RedisError
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from common.errors import DomainError

KNOWN_FOR = 24 * 3600  # seconds in which a page may be sent again


def _new_key() -> str:
    return uuid4().hex


class ReasonForm(forms.Form):
    """Why it is done. `key` is the same for every sending of one page: a double click is one request."""

    why = forms.CharField(label="Reason", max_length=255, widget=UnfoldAdminTextInputWidget)
    key = forms.CharField(max_length=32, initial=_new_key, widget=forms.HiddenInput)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the page asks, and where its reader comes from.

    `items` are the rows that will change and `left_out` those that will not, `hidden` is sent with the
    answer, and `done` gives the page that follows for the row that `act` returned.
    """

    title: str
    button: str
    back: str
    sentences: Sequence[str] = ()
    items: Sequence[str] = ()
    left_out: Sequence[str] = ()
    hidden: Sequence[tuple[str, str]] = ()
    done: Callable[[Model], str] | None = None


def confirm(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    question: Question,
    form: forms.Form,
    act: Callable[[Mapping[str, Any]], tuple[Model, str]],
) -> HttpResponse:
    """Show the page; once it is answered, `act` on the answers and log what it returns.

    `act` gives the row that it changed and a sentence. What it refuses is told on the page.
    """
    if request.method == "POST" and form.is_valid():
        try:
            row, sentence = act(form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            why = form.cleaned_data["why"]
            told = f"{sentence} Reason: {why}"
            if _is_first(request, row, told, form.cleaned_data["key"]):
                model_admin.log_change(request, row, told)
            model_admin.message_user(request, sentence, messages.SUCCESS)
            page = question.done(row) if question.done else question.back
            return HttpResponseRedirect(page)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "form": form,
    }
    return TemplateResponse(request, "confirm.html", context)


def _is_first(request: HttpRequest, row: Model, told: str, key: str) -> bool:
    """Whether a page has done this now, and not when it was sent before.

    By all that would be logged: a key that somebody chose hides nothing else. Where nobody can tell,
    twice in the log is better than not at all.
    """
    deed = f"{request.user.pk} {row._meta.label} {row.pk} {told} {key}"
    try:
        return cache.add(f"done:{sha256(deed.encode()).hexdigest()}", True, KNOWN_FOR)
    except RedisError:
        return True


def confirm_verb(
    model_admin: ModelAdmin,
    request: HttpRequest,
    *,
    row: Model,
    name: object,
    verb: str,
    sentences: Sequence[str],
    act: Callable[[Mapping[str, Any]], tuple[Model, str]],
    form: forms.Form | None = None,
) -> HttpResponse:
    """`confirm` for a verb of a row's page, which is gone back to; without a form, with a reason only."""
    meta = row._meta
    question = Question(
        title=f"{verb}: {name}",
        button=verb,
        back=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
        sentences=sentences,
    )
    form = form or ReasonForm(request.POST or None)
    return confirm(model_admin, request, question=question, form=form, act=act)
