"""A gateway's customers by the thousand, written past all services."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.test.utils import override_settings
from django.utils import timezone

from accounts.models import User
from bundles.models import GIGABYTE, Bundle, Subscription
from tests.fresh_database import ALIAS
from tests.system import System
from vpn.models import Address, Gateway, Peer
from vpn.services.publish import MODULUS, digest_of, served

Row = TypeVar("Row", User, Subscription, Address, Peer)

BATCH = 2_000


def crowd(system: System, devices: int) -> None:
    """Serve as many more on the running system's gateway, with keys that it can read."""
    gateway, bundle = system.rows(Gateway).get(), system.rows(Bundle).get(name="Monthly Bundle")
    keys = system.environment["FIELD_ENCRYPTION_KEYS"].split(",")
    with override_settings(FIELD_ENCRYPTION_KEYS=keys):
        fill(gateway, bundle, devices, database=ALIAS)


def fill(
    gateway: Gateway, bundle: Bundle, devices: int, *, database: str = DEFAULT_DB_ALIAS
) -> list[Peer]:
    """Serve as many more devices on a gateway of this database, each of a customer of its own."""
    now = timezone.now()
    numbers = range(gateway.next_number, gateway.next_number + devices)
    customers = [User(email=f"{number}@crowd.test") for number in numbers]
    subscriptions = [
        Subscription(
            customer=customer,
            bundle=bundle,
            starts_at=now,
            ends_at=now + timedelta(days=30),
            data_limit_bytes=100 * GIGABYTE,
            max_connections=1,
        )
        for customer in _written(customers, database)
    ]
    addresses = [Address(gateway=gateway, number=number) for number in numbers]
    peers = [
        Peer(
            subscription=subscription,
            gateway=gateway,
            address=address,
            device_name="phone",
            public_key=_key(address.number),
            preshared_key=_key(-address.number),
            revision=gateway.revision + 1,
        )
        for subscription, address in zip(
            _written(subscriptions, database), _written(addresses, database), strict=True
        )
    ]
    _written(peers, database)
    total = int(gateway.digest, 16)
    for peer in peers:
        peer.digest = digest_of(served(peer))
        total += int(peer.digest, 16)
    Peer.objects.using(database).bulk_update(peers, ["digest"], BATCH)
    gateway.revision += 1
    gateway.next_number += devices
    gateway.peers_served += devices
    gateway.capacity += devices
    gateway.digest = f"{total % MODULUS:064x}"
    gateway.save(using=database)
    return peers


def _written(rows: list[Row], database: str) -> list[Row]:
    return type(rows[0])._default_manager.using(database).bulk_create(rows, BATCH)


def _key(number: int) -> str:
    return base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode()
