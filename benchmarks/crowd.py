"""A gateway's customers by the thousand, written past all services."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import TypeVar

from django.test.utils import override_settings
from django.utils import timezone

from accounts.models import User
from bundles.models import GIGABYTE, Bundle, Subscription
from tests.fresh_database import ALIAS
from tests.system import System
from vpn.models import Address, Gateway, Peer
from vpn.services.publish import MODULUS, digest_of, served

Row = TypeVar("Row", Subscription, Address, Peer)

BATCH = 2_000


def crowd(system: System, peers: int) -> None:
    """Serve as many devices on the system's first gateway, each of a customer of its own."""
    now = timezone.now()
    gateway = system.rows(Gateway).get()
    bundle = system.rows(Bundle).get(name="Monthly Bundle")
    numbers = range(gateway.next_number, gateway.next_number + peers)
    customers = system.rows(User).bulk_create(
        [User(email=f"{number}@crowd.test") for number in numbers], BATCH
    )
    subscriptions = [
        Subscription(
            customer=customer,
            bundle=bundle,
            starts_at=now,
            ends_at=now + timedelta(days=30),
            data_limit_bytes=100 * GIGABYTE,
            max_connections=1,
        )
        for customer in customers
    ]
    addresses = [Address(gateway=gateway, number=number) for number in numbers]
    devices = [
        Peer(
            subscription=subscription,
            gateway=gateway,
            address=address,
            device_name="phone",
            public_key=_key(address.number),
            preshared_key=_key(-address.number),
            revision=gateway.revision + 1,
        )
        for subscription, address in zip(_written(subscriptions), _written(addresses), strict=True)
    ]
    total = int(gateway.digest, 16)
    keys = system.environment["FIELD_ENCRYPTION_KEYS"].split(",")
    with override_settings(FIELD_ENCRYPTION_KEYS=keys):
        _written(devices)
    for device in devices:
        device.digest = digest_of(served(device))
        total += int(device.digest, 16)
    system.rows(Peer).bulk_update(devices, ["digest"], BATCH)
    gateway.revision += 1
    gateway.next_number += peers
    gateway.peers_served += peers
    gateway.capacity += peers
    gateway.digest = f"{total % MODULUS:064x}"
    gateway.save(using=ALIAS)


def _written(rows: list[Row]) -> list[Row]:
    return type(rows[0])._default_manager.using(ALIAS).bulk_create(rows, BATCH)


def _key(number: int) -> str:
    return base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode()
