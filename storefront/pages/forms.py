"""What people type on the web. Whatever a service refuses is said at the form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bundles.owner_statement import NO_PERIOD, is_period
from common import phone as phones
from payments.models import ProviderName
from payments.networks import networks, provider_for
from payments.receipts import PASTED_MAX


class PhoneField(forms.CharField):
    """A number in any usual form; cleaned, it is E.164."""

    widget = forms.TextInput(
        attrs={"inputmode": "tel", "autocomplete": "tel", "placeholder": "0754 123 456"}
    )

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        try:
            return phones.parse(text) if text else ""
        except phones.InvalidPhoneNumber as error:
            raise forms.ValidationError(
                _("Enter a Tanzanian mobile number, such as 0754 123 456.")
            ) from error


def code_field() -> forms.RegexField:
    return forms.RegexField(
        r"^\s*[0-9]{6}\s*$",
        label=_("Code from the SMS"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={"invalid": _("The code has six digits.")},
    )


def password_field(label: Any, *, is_new: bool) -> forms.CharField:
    kind = "new-password" if is_new else "current-password"
    widget = forms.PasswordInput(attrs={"autocomplete": kind})
    return forms.CharField(label=label, max_length=128, strip=False, widget=widget)


class LoginForm(forms.Form):
    email = forms.CharField(
        label=_("Phone or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    password = password_field(_("Password"), is_new=False)


class RegisterForm(forms.Form):
    full_name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = PhoneField(label=_("Phone"))
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    password = password_field(_("Password, at least eight characters"), is_new=True)


class AskResetForm(forms.Form):
    phone = PhoneField(label=_("Phone"))


class ResetForm(forms.Form):
    phone = PhoneField(label=_("Phone"))
    code = code_field()
    password = password_field(_("New password"), is_new=True)


class CodeForm(forms.Form):
    code = code_field()


class PayForm(forms.Form):
    """By which phone and provider; without one, the number's own is shown before anything is paid."""

    proposed = ""  # the name of the provider that was worked out, for the customer to look at

    phone = PhoneField(label=_("Phone that pays"))
    provider = forms.ChoiceField(
        label=_("Pay by"),
        required=False,
        choices=[("", _("The number's own provider")), *ProviderName.choices],
    )
    use_credit = forms.BooleanField(label=_("Let my credit pay first"), required=False)
    gift_phone = PhoneField(label=_("Phone of whoever gets it"), required=False)

    def __init__(self, *args: Any, has_credit: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_credit:
            del self.fields["use_credit"]

    def with_provider(self) -> PayForm:
        """The same, to be sent again, with the number's own provider. Raises UnknownProvider."""
        given = self.cleaned_data
        provider = ProviderName(provider_for(requested="auto", phone=given["phone"]))
        shown = PayForm(
            initial={**given, "provider": provider}, has_credit="use_credit" in self.fields
        )
        shown.fields["phone"].widget.attrs["readonly"] = True
        shown.proposed = str(provider.label)
        return shown

    def follow_number(self) -> None:
        """A provider that was the number's own is worked out anew: the number may be changed now."""
        given = self.cleaned_data
        if given["provider"] == networks().get("0" + phones.msisdn(given["phone"])[3:5]):
            self.data = {**self.data, "provider": ""}


class GiveForm(forms.Form):
    phone = PhoneField(label=_("Phone of whoever gets it"))
    data_mb = forms.IntegerField(label=_("Data, MB"), min_value=1, max_value=10**9)


class WhyForm(forms.Form):
    why = forms.CharField(label=_("Why?"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ReceiptForm(forms.Form):
    """The number, or the provider's whole SMS."""

    text = forms.CharField(
        label=_("Receipt number, or the provider's whole SMS"),
        max_length=PASTED_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocapitalize": "characters"}),
    )
    provider = forms.ChoiceField(
        label=_("Paid by"),
        required=False,
        choices=[("", _("I do not know")), *ProviderName.choices],
    )


class ProfileForm(forms.Form):
    full_name = forms.CharField(label=_("Your name"), max_length=150)
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    language = forms.ChoiceField(
        label=_("Language"), choices=[("sw", "Kiswahili"), ("en", "English")]
    )


class ChangePhoneForm(forms.Form):
    phone = PhoneField(label=_("New phone"))
    password = password_field(_("Password"), is_new=False)


class PasswordForm(forms.Form):
    old_password = password_field(_("Password now"), is_new=False)
    password = password_field(_("New password"), is_new=True)


class DeleteForm(forms.Form):
    password = password_field(_("Password"), is_new=False)
    gives_up_service = forms.BooleanField(
        label=_("What I still have may end with it"), required=False
    )


class ApplyForm(forms.Form):
    about = forms.CharField(
        label=_("Your connection: provider, place, line"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    connection_gb = forms.IntegerField(
        label=_("What it carries in 30 days, GB"), min_value=1, max_value=1_000_000
    )
    connection_seats = forms.IntegerField(
        label=_("Customers it can serve at once"), min_value=1, max_value=100_000
    )


class OfferForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("Description"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    price = forms.IntegerField(label=_("Price, TZS"), min_value=1, max_value=2**31 - 1)
    data_limit_gb = forms.IntegerField(label=_("Data, GB"), min_value=1, max_value=100_000)
    duration_days = forms.IntegerField(label=_("Days"), min_value=1, max_value=366)
    max_clients = forms.IntegerField(label=_("Places"), min_value=1, max_value=100_000)
    max_connections = forms.IntegerField(
        label=_("Devices per customer"), min_value=1, max_value=20, initial=1
    )
    picture = forms.FileField(
        label=_("Picture (JPEG, PNG or WebP)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class PayoutForm(forms.Form):
    amount = forms.IntegerField(
        label=_("Amount, TZS; empty for all"), min_value=1, max_value=2**31 - 1, required=False
    )


class StatementForm(forms.Form):
    """Business days, both included."""

    first = forms.DateField(
        label=_("From"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    last = forms.DateField(
        label=_("To"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        days: dict[str, Any] = super().clean() or {}
        if not self.errors and not is_period(days["first"], days["last"]):
            raise forms.ValidationError(gettext(NO_PERIOD))
        return days
