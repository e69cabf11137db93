"""Tokens on a real Redis: one process fetches, all use; and without Redis each has its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from payments.providers.http import Token, TokenStore, cached_token
from payments.providers.tokens import RedisTokenStore

PROCESSES = 4


def fetched_by(stores: list[TokenStore]) -> tuple[list[str], list[int]]:
    """The tokens that all get who need one at the same moment, and who of them fetched."""
    together = Barrier(len(stores))
    got: list[str] = []
    fetchers: list[int] = []

    def fetch(number: int) -> Callable[[], Token]:
        def make() -> Token:
            fetchers.append(number)
            return Token(f"token-{number}", 600)

        return make

    def need(number: int, store: TokenStore) -> None:
        together.wait(60)
        got.append(cached_token(store, "provider", fetch(number)))

    threads = [Thread(target=need, args=each) for each in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got, fetchers


@pytest.mark.redis
def test_one_process_at_a_time_refreshes_and_all_use_its_token(shared: str) -> None:
    got, fetchers = fetched_by([RedisTokenStore(shared) for _ in range(PROCESSES)])
    assert len(fetchers) == 1
    assert got == [f"token-{fetchers[0]}"] * PROCESSES


def test_without_redis_each_process_has_its_own() -> None:
    got, fetchers = fetched_by([RedisTokenStore("redis://127.0.0.1:9/0") for _ in range(2)])
    assert sorted(fetchers) == [0, 1]
    assert sorted(got) == ["token-0", "token-1"]
