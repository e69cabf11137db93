"""New customers without end, in a system whose seats are raised for them."""

from __future__ import annotations

from itertools import count

from bundles.models import Bundle
from tests.person import Person
from tests.system import System

SEATS = 100_000
BY_HAND = "+255714{:06d}"


class People:
    """Everybody buys the same bundle, each by a phone of their own."""

    def __init__(self, system: System) -> None:
        self._url = system.url
        self._numbers = count(100_000)
        offer = system.rows(Bundle).get(name="Daily Bundle")
        system.rows(Bundle).filter(pk=offer.pk).update(max_clients=SEATS)
        self.bundle_id: int = offer.pk

    def newcomer(self) -> Person:
        return Person(self._url, BY_HAND.format(next(self._numbers)))
