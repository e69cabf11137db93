"""A customer names the receipt of a payment, and reads what became of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from common.errors import DomainError
from payments.selectors import claims_of, own_claim
from storefront.api.views import HelpThrottle
from storefront.pages.base import own_page, person_of, refuse_flood, said, typed
from storefront.pages.forms import ReceiptForm
from storefront.receipts import take_receipt, tell, tell_in_short

SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def receipts(request: HttpRequest) -> HttpResponse:
    """The form, and what was named before."""
    person = person_of(request)
    form = ReceiptForm(request.POST or None, initial=typed(request))
    if request.method == "POST":
        refuse_flood(request, HelpThrottle)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            told = take_receipt(customer=person, text=given["text"], provider=given["provider"])
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            return redirect("web-named-receipt", claim_id=told.claim.pk)
    shown = [tell_in_short(claim) for claim in claims_of(person.pk)[:SHOWN]]
    return render(request, "web/receipts.html", {"form": form, "shown": shown})


@require_safe
@own_page
def receipt(request: HttpRequest, claim_id: int) -> HttpResponse:
    told = tell(own_claim(user_id=person_of(request).pk, claim_id=claim_id))
    return render(request, "web/named_receipt.html", {"told": told})
