"""What a bundle was, from when on, and by whom it was changed."""

from __future__ import annotations

import pytest
from django.forms import model_to_dict
from django.test import Client

from accounts.models import User
from bundles.models import Bundle, BundleVersion
from bundles.services.save_bundle import save_bundle
from bundles.services.seed import seed_catalogue
from bundles.tests.factories import a_bundle

pytestmark = pytest.mark.django_db(transaction=True)


def prices(bundle: Bundle) -> list[int]:
    return list(bundle.versions.order_by("id").values_list("price", flat=True))


def test_the_standard_catalogue_has_its_first_versions() -> None:
    seed_catalogue()
    seed_catalogue()
    assert BundleVersion.objects.count() == Bundle.objects.count() > 0


def test_a_price_is_kept_from_when_it_was_asked(client: Client) -> None:
    staff = User.objects.create_superuser("staff@example.com", "x", full_name="Staff")
    client.force_login(staff)
    bundle = a_bundle()
    save_bundle(bundle, by=None)
    page = f"/admin/bundles/bundle/{bundle.pk}/change/"
    form = {
        name: value
        for name, value in model_to_dict(bundle).items()
        if value not in (None, bundle.picture)
    }
    form |= {"price": bundle.price + 500, "versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    assert client.post(page, form).status_code == 302
    assert client.post(page, form).status_code == 302  # changes nothing
    assert prices(bundle) == [bundle.price, bundle.price + 500]
    assert bundle.versions.first().by == staff  # type: ignore[union-attr]
    assert f"{bundle.price + 500}" in client.get(page).content.decode()
