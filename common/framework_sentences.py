"""What the frameworks say of input, so that `make messages` keeps the Swahili that they do not have."""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

SENTENCES = (
    _("This field is required."),
    _("This field may not be null."),
    _("This field may not be blank."),
    _("Not a valid string."),
    _("A valid integer is required."),
    _("Must be a valid boolean."),
    _("String value too large."),
    _("Null characters are not allowed."),
    _("Enter a valid email address."),
    _('"{input}" is not a valid choice.'),
    _("Ensure this value is greater than or equal to {min_value}."),
    _("Ensure this value is less than or equal to {max_value}."),
    _("Ensure this field has no more than {max_length} characters."),
    _("Date has wrong format. Use one of these formats instead: {format}."),
    _("Invalid data. Expected a dictionary, but got {datatype}."),
    _("This password is too common."),
    _("This password is entirely numeric."),
    _("The password is too similar to the %(verbose_name)s."),
)
IN_NUMBERS = (
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
    ngettext_lazy(
        "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
        "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
        "limit_value",
    ),
)
