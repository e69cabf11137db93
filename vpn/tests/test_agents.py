"""What a gateway's agent hears: its enrolment, and what it is to serve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.test_buy_and_activate import pay
from cases.models import Case
from vpn.agent_api import state as state_view
from vpn.keys import new_key_pair
from vpn.models import EMPTY_DIGEST, Gateway, Usage
from vpn.services.enrol import issue_token
from vpn.services.publish import MODULUS, digest_of
from vpn.services.revoke import revoke_now

Subscribe = Callable[..., Subscription]
EPOCH = "e1"


@pytest.fixture
def secret(gateway: Gateway) -> str:
    return str(enrolled(gateway).json()["secret"])


def enrolled(gateway: Gateway, token: str = "", public_key: str = "") -> Any:
    body = {
        "token": token or issue_token(gateway),
        "public_key": public_key or gateway.public_key,
        "version": "1.0",
    }
    return Client().post("/agent/v1/enrol", body, content_type="application/json")


def ask(secret: str, **question: Any) -> Any:
    return Client().get(
        "/agent/v1/state",
        {"epoch": EPOCH, **question},
        headers={"Authorization": f"Bearer {secret}"},
    )


def digest_of_all(peers: list[dict[str, Any]]) -> str:
    return f"{sum(int(digest_of(peer), 16) for peer in peers) % MODULUS:064x}"


class TestEnrolment:
    def test_the_machine_with_the_token_is_the_gateway(self, gateway: Gateway) -> None:
        key = new_key_pair().public
        Gateway.objects.update(agent_sequence=180)
        answer = enrolled(gateway, public_key=key)
        assert answer.status_code == 201
        assert answer.json()["gateway_id"] == gateway.pk
        gateway.refresh_from_db()
        assert (gateway.public_key, gateway.agent_version) == (key, "1.0")
        assert gateway.agent_sequence == 0, "its reports are numbered from one"
        assert answer.json()["secret"] not in (gateway.secret_hash, gateway.token_hash)
        assert ask(answer.json()["secret"]).status_code == 200

    def test_the_same_machine_may_repeat_it_and_its_last_secret_counts(
        self, gateway: Gateway
    ) -> None:
        token = issue_token(gateway)
        first, second = (enrolled(gateway, token).json()["secret"] for _ in range(2))
        assert ask(second).status_code == 200
        assert ask(first).status_code == 401

    def test_another_machine_is_refused(self, gateway: Gateway) -> None:
        token = issue_token(gateway)
        enrolled(gateway, token)
        assert_refused(enrolled(gateway, token, new_key_pair().public), 401, "enrolment_refused")

    @pytest.mark.parametrize("token", ["", "x" * 32, "é"])
    def test_an_unknown_token_is_refused(self, gateway: Gateway, token: str) -> None:
        answer = Client().post(
            "/agent/v1/enrol",
            {"token": token, "public_key": gateway.public_key, "version": "1"},
            content_type="application/json",
        )
        assert answer.status_code == (401 if token else 400)

    def test_an_old_token_is_refused(self, gateway: Gateway) -> None:
        token = issue_token(gateway)
        Gateway.objects.update(token_expires_at=timezone.now())
        assert_refused(enrolled(gateway, token), 401, "enrolment_refused")

    def test_a_newer_token_ends_the_older(self, gateway: Gateway) -> None:
        older, newer = issue_token(gateway), issue_token(gateway)
        assert enrolled(gateway, older).status_code == 401
        assert enrolled(gateway, newer).status_code == 201

    def test_another_key_is_refused_while_customers_know_the_old(
        self, gateway: Gateway, subscribe: Subscribe
    ) -> None:
        peer = subscribe().peers.get()
        key = new_key_pair().public
        assert_refused(enrolled(gateway, public_key=key), 409, "key_differs")
        revoke_now(peer=peer)
        assert enrolled(gateway, public_key=key).status_code == 201

    def test_no_key_and_a_customers_key_are_refused(
        self, gateway: Gateway, subscribe: Subscribe
    ) -> None:
        assert_refused(enrolled(gateway, public_key="AAAA"), 400, "invalid_public_key")
        peer = subscribe().peers.get()
        other = Gateway.objects.create(
            name="other", endpoint_host="h", endpoint_port=1, range4="10.9.0.0/24"
        )
        assert_refused(enrolled(other, public_key=peer.public_key), 409, "public_key_in_use")

    def test_the_command_prints_a_token(self, gateway: Gateway) -> None:
        printed = StringIO()
        call_command("gateway", "token", stdout=printed)
        assert enrolled(gateway, printed.getvalue().strip()).status_code == 201
        with pytest.raises(CommandError, match="there are: first"):
            call_command("gateway", "token", "second")


class TestCredentials:
    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer 1", "Basic 1.x"])
    def test_without_a_secret_nothing_is_told(self, gateway: Gateway, header: str) -> None:
        answer = Client().get("/agent/v1/state", headers={"Authorization": header})
        assert_refused(answer, 401, "gateway_unknown")

    def test_a_wrong_secret_of_a_known_gateway_is_a_case(
        self, gateway: Gateway, secret: str
    ) -> None:
        for _ in range(2):
            assert_refused(ask(f"{secret}x"), 401, "gateway_unknown")
        case = Case.objects.get()
        assert (case.kind, case.subject) == ("gateway_credential", f"gateway:{gateway.pk}")
        assert secret not in case.detail

    def test_an_unknown_gateways_is_none(self, gateway: Gateway) -> None:
        assert ask("999.x").status_code == 401
        assert ask(f"{gateway.pk}.x").status_code == 401, "it has not enrolled"
        assert not Case.objects.exists()


class TestState:
    def test_the_first_answer_is_a_snapshot(
        self, gateway: Gateway, secret: str, subscribe: Subscribe
    ) -> None:
        subscription = subscribe()
        peer = subscription.peers.get()
        told = ask(secret).json()
        assert told == {
            "revision": 1,
            "base": None,
            "digest": digest_of_all(told["upsert"]),
            "count": 1,
            "gateway": {
                "id": gateway.pk,
                "name": "first",
                "addresses": ["10.8.0.1/16"],
                "listen_port": 51820,
                "mtu": 1280,
                "may_shrink": False,
            },
            "upsert": [
                {
                    "id": peer.pk,
                    "group": subscription.pk,
                    "public_key": peer.public_key,
                    "preshared_key": peer.preshared_key,
                    "addresses": ["10.8.0.2/32"],
                    "ends_at": int(subscription.ends_at.timestamp()),
                    "limit_bytes": 5 * 10**9,
                    "kbps": 0,
                }
            ],
            "remove": [],
            "used_before": {},
        }

    def test_then_only_what_has_changed(self, secret: str, subscribe: Subscribe) -> None:
        first, second = subscribe(), subscribe()
        known = ask(secret).json()
        revoke_now(peer=first.peers.get())
        pay(second.customer, second.bundle)
        third = subscribe()
        told = ask(secret, revision=known["revision"], digest=known["digest"]).json()
        assert (told["base"], told["revision"], told["count"]) == (2, 5, 2)
        assert told["remove"] == [first.peers.get().pk]
        assert [peer["group"] for peer in told["upsert"]] == [second.pk, third.pk]
        assert told["upsert"][0]["limit_bytes"] == 2 * 5 * 10**9
        assert told["digest"] == digest_of_all(told["upsert"])

    def test_nothing_new_is_no_content(self, secret: str, subscribe: Subscribe) -> None:
        assert ask(secret, revision=0, digest=EMPTY_DIGEST).status_code == 204
        subscribe()
        known = ask(secret).json()
        again = ask(secret, revision=known["revision"], digest=known["digest"])
        assert (again.status_code, again.content) == (204, b"")

    @pytest.mark.parametrize(("ahead", "digest"), [(0, "f" * 64), (7, EMPTY_DIGEST), (0, "")])
    def test_what_is_not_our_past_is_answered_with_a_snapshot(
        self, secret: str, subscribe: Subscribe, ahead: int, digest: str
    ) -> None:
        subscribe()
        question = {"digest": digest} if digest else {}
        told = ask(secret, revision=1 + ahead, **question).json()
        assert (told["base"], len(told["upsert"])) == (None, 1)

    def test_bytes_of_other_epochs_are_told(self, secret: str, subscribe: Subscribe) -> None:
        subscription = subscribe()
        for epoch, up, down in (("e0", 100, 20), (EPOCH, 7, 0), ("e2", 0, 3)):
            Usage.objects.create(
                peer=subscription.peers.get(),
                subscription=subscription,
                epoch=epoch,
                day="2026-11-25",
                up_from=0,
                up_to=up,
                down_from=0,
                down_to=down,
            )
        assert ask(secret).json()["used_before"] == {str(subscription.pk): 123}

    def test_another_gateways_peers_are_not_told(
        self, gateway: Gateway, subscribe: Subscribe
    ) -> None:
        subscribe()
        other = Gateway.objects.create(
            name="other", endpoint_host="h", endpoint_port=1, range4="10.9.0.0/24"
        )
        secret = enrolled(other, public_key=new_key_pair().public).json()["secret"]
        told = ask(secret).json()
        assert (told["upsert"], told["gateway"]["addresses"]) == ([], ["10.9.0.1/24"])

    def test_a_refused_state_is_told_again_once_staff_allow_it(
        self, gateway: Gateway, secret: str, subscribe: Subscribe
    ) -> None:
        subscribe()
        Gateway.objects.update(refused_revision=1)
        assert ask(secret, revision=0, digest=EMPTY_DIGEST).status_code == 204
        Gateway.objects.update(may_shrink_until=timezone.now() + timedelta(minutes=1))
        told = ask(secret, revision=0, digest=EMPTY_DIGEST).json()
        assert told["gateway"]["may_shrink"] is True

    @pytest.mark.parametrize(
        "question", [{"revision": "x"}, {"revision": -1}, {"digest": "zz"}, {"wait": 26}]
    )
    def test_what_is_no_question_is_refused(self, secret: str, question: dict[str, Any]) -> None:
        answer = ask(secret, **question)
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == set(question)


@pytest.mark.redis
class TestLongPoll:
    def test_it_is_answered_as_soon_as_somebody_has_paid(
        self, secret: str, subscribe: Subscribe
    ) -> None:
        answers: list[Any] = []

        def wait() -> None:
            try:
                answers.append(ask(secret, revision=0, digest=EMPTY_DIGEST, wait=25))
            finally:
                connection.close()

        waiting = Thread(target=wait)
        waiting.start()
        subscribe()
        waiting.join(20)
        assert [answer.json()["count"] for answer in answers] == [1]

    def test_nothing_new_is_waited_for(self, secret: str) -> None:
        began = monotonic()
        assert ask(secret, revision=0, digest=EMPTY_DIGEST, wait=0.3).status_code == 204
        assert monotonic() - began >= 0.3

    def test_too_many_are_told_to_ask_again(
        self, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(state_view, "_waiting", BoundedSemaphore(1))
        with state_view._waiting:
            answer = ask(secret, revision=0, digest=EMPTY_DIGEST, wait=20)
        assert (answer.status_code, answer["Retry-After"]) == (204, "1")


def assert_refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
