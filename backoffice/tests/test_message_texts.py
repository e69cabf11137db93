"""Staff read what customers are told."""

from __future__ import annotations

import pytest
from django.test import Client

from notifications.messages import TEXTS

pytestmark = pytest.mark.django_db


def test_all_texts_are_read_in_both_languages(staff: Client) -> None:
    page = staff.get("/admin/notifications/message/texts/").content.decode()
    for message_id in TEXTS:
        assert f"<h2>{message_id}</h2>" in page
    assert page.count('lang="sw"') == page.count('lang="en"') - 1 == len(TEXTS)
