"""What staff may write into a bundle."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from bundles.models import Terms
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, pay
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("max_clients", 1, "2 places are taken: at least so many."),
        ("price", 999, "The price must lie between 1,000 and 50,000 shillings."),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(column: str, value: Any, why: str) -> None:
    Terms.current()
    bundle = a_bundle(max_clients=2)
    pay(a_customer(), bundle)
    buy(a_customer(), bundle)  # holds the other place while the PIN is waited for
    bundle.full_clean()
    setattr(bundle, column, value)
    with pytest.raises(ValidationError) as refusal:
        bundle.full_clean()
    assert refusal.value.message_dict == {column: [why]}
