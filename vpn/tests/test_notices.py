"""Customers are told of their use and of the end, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from bundles.models import GIGABYTE, Subscription
from bundles.services.renew import renew_due, switch_renewal
from bundles.tests.test_buy_and_activate import pay
from notifications.messages import TEXTS
from notifications.models import Message
from payments.models import MobileMoneyTransaction
from vpn.models import Gateway, Peer
from vpn.services.notices import send_notices
from vpn.services.revoke import revoke_now
from vpn.tests.reports import counted, tell

Subscribe = Callable[..., Subscription]
OURS = ("data_used", "data_used_up", "ends_soon", "never_connected")


@pytest.fixture
def peer(subscribe: Subscribe) -> Peer:
    return subscribe(duration_days=7).peers.get()


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    with time_machine.travel(timezone.now()) as clock:
        yield clock.shift


def told() -> list[str]:
    """What customers were told, in its order; each sweep runs twice, as sweeps may."""
    send_notices()
    send_notices()
    return [
        f"{message.message_id} {message.context.get('percent', '')}".strip()
        for message in Message.objects.filter(message_id__in=OURS).order_by("id")
    ]


def use(gateway: Gateway, peer: Peer, percent: int) -> None:
    tell(gateway, counted(peer, 0, 5 * GIGABYTE * percent // 100, 1))


def buy_again(subscription: Subscription) -> None:
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(subscription.customer, subscription.bundle)


def test_each_threshold_is_told_once(gateway: Gateway, peer: Peer) -> None:
    for percent in (0, 49, 50, 51, 79, 80, 81, 99, 100, 100):
        use(gateway, peer, percent)
        send_notices()
    assert told() == ["data_used 50", "data_used 80", "data_used_up 100"]


@pytest.mark.parametrize(
    ("percent", "expected"), [(85, ["data_used 80"]), (120, ["data_used_up 100"])]
)
def test_of_several_thresholds_at_once_the_highest_is_told(
    gateway: Gateway, peer: Peer, percent: int, expected: list[str]
) -> None:
    use(gateway, peer, percent)
    assert told() == expected


def test_nobody_is_asked_to_buy_what_is_bought_again_by_itself(
    gateway: Gateway, peer: Peer
) -> None:
    customer = peer.subscription.customer
    switch_renewal(customer=customer, subscription_id=peer.subscription_id, is_wanted=True)
    use(gateway, peer, 120)
    assert told() == []
    renew_due()
    assert Message.objects.get(message_id__startswith="renewal").context["missing"] == 1_000


def test_what_is_left_is_told_in_the_persons_language(gateway: Gateway, peer: Peer) -> None:
    use(gateway, peer, 80)
    told()
    text = Message.objects.get(message_id="data_used").text
    assert "Umetumia 80% ya data ya Daily Bundle. Zimebaki 1.0 GB." in text


def test_a_top_up_makes_new_thresholds(gateway: Gateway, peer: Peer) -> None:
    use(gateway, peer, 100)
    assert told() == ["data_used_up 100"]
    buy_again(peer.subscription)
    assert told() == ["data_used_up 100"], "half of the new allowance was used before"
    use(gateway, peer, 160)
    use(gateway, peer, 200)
    assert told() == ["data_used_up 100", "data_used_up 100"]


def test_the_end_is_told_a_day_before(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    use(gateway, peer, 1)
    later(timedelta(days=5, hours=23))
    assert told() == []
    later(timedelta(hours=2))
    assert told() == ["ends_soon"]
    later(timedelta(hours=1))
    buy_again(peer.subscription)
    assert told() == ["ends_soon"]
    later(timedelta(days=7))
    assert told() == ["ends_soon", "ends_soon"]
    later(timedelta(days=2))
    assert told() == ["ends_soon", "ends_soon"]


def test_a_day_has_no_day_before_its_end(
    gateway: Gateway, subscribe: Subscribe, later: Callable[[timedelta], None]
) -> None:
    use(gateway, subscribe().peers.get(), 1)
    for _ in range(3):
        later(timedelta(hours=7))
        assert told() == []


def test_who_never_connected_is_told_after_ten_minutes(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(minutes=9))
    tell(gateway)
    assert told() == []
    later(timedelta(minutes=2))
    tell(gateway)
    assert told() == ["never_connected"]
    later(timedelta(days=6))
    tell(gateway)
    assert told() == ["never_connected", "ends_soon"]


def test_who_has_connected_is_left_alone(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    tell(gateway, counted(peer, 0, 0, int(timezone.now().timestamp())))
    later(timedelta(minutes=11))
    tell(gateway)
    assert told() == []


def test_a_silent_gateway_is_waited_for(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(minutes=11))
    assert told() == []
    later(timedelta(minutes=11))
    tell(gateway)
    assert told() == ["never_connected"]


def test_who_gave_the_device_back_is_left_alone(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    revoke_now(peer=peer)
    later(timedelta(minutes=11))
    tell(gateway)
    assert told() == []


def test_what_has_ended_is_looked_at_no_more(
    gateway: Gateway, peer: Peer, later: Callable[[timedelta], None]
) -> None:
    use(gateway, peer, 60)
    Subscription.objects.update(state="ended")
    assert told() == []
    assert Subscription.objects.get().notice_at is None


def test_messages_fit_one_sms_with_a_usual_name() -> None:
    words = {"bundle": "Premium 3-Month", "percent": 80, "left": "100.0 GB", "until": "1" * 16}
    for message_id in OURS:
        for text in TEXTS[message_id].values():
            assert len(text.format(**words)) <= 160
            assert text.isascii()
