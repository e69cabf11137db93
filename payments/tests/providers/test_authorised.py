"""Access tokens: kept, renewed once, and never thrown away when another worker has a fresh one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payments.providers.authorised import AuthorisedHttp, NoToken, TokenRules, token_name
from payments.providers.http import Exchange, HttpOptions, MemoryTokenStore, ProviderHttp, Token


def exchange(status: int = 200, body: dict[str, Any] | None = None) -> Exchange:
    return Exchange(
        status=status, json=body, request={"url": "x"}, response={"status": status, "body": body}
    )


class ScriptedHttp(ProviderHttp):
    """Answers by a function of the access token, and notes which tokens came."""

    def __init__(self, answer: Callable[[str], Exchange]) -> None:
        super().__init__("https://provider.example", HttpOptions())
        self.tokens: list[str] = []
        self._answer = answer

    def call(self, method: str, path: str, **sent: Any) -> Exchange:
        token = sent["headers"]["Authorization"].removeprefix("Bearer ")
        self.tokens.append(token)
        return self._answer(token)


def client(
    http: ProviderHttp, store: MemoryTokenStore, tokens: list[dict[str, Any]]
) -> AuthorisedHttp:
    rules = TokenRules(
        fetch=lambda: exchange(body=tokens.pop(0)),
        lifetime_seconds=180,
        is_dead=lambda answer: answer.status == 401,
    )
    return AuthorisedHttp(http, store, name="t", rules=rules)


def test_a_token_that_another_worker_has_renewed_is_used_and_not_fetched_again() -> None:
    store = MemoryTokenStore()
    store.put("t", Token("old", 600))

    def answer(token: str) -> Exchange:
        if token == "old":
            store.put("t", Token("renewed-by-another", 600))
            return exchange(401)
        return exchange(200)

    http = ScriptedHttp(answer)
    result = client(http, store, tokens=[]).call("POST", "/")
    assert http.tokens == ["old", "renewed-by-another"]
    assert result.is_repeat


def test_no_second_sending_without_a_dead_token() -> None:
    http = ScriptedHttp(lambda token: exchange(500))
    result = client(http, MemoryTokenStore(), [{"access_token": "a"}]).call("POST", "/")
    assert (http.tokens, result.is_repeat) == (["a"], False)


def test_a_request_is_sent_twice_at_most() -> None:
    http = ScriptedHttp(lambda token: exchange(401))
    tokens = [{"access_token": name} for name in "abc"]
    with pytest.raises(NoToken) as caught:
        client(http, MemoryTokenStore(), tokens).call("POST", "/")
    assert http.tokens == ["a", "b"]
    assert caught.value.response["status"] == 401


@pytest.mark.parametrize(
    ("expires_in", "usable"),
    [
        (180, 150),
        ("180", 150),
        ("3599", 3569),
        (179.9, 149),
        (None, 150),
        ("soon", 150),
        ("inf", 150),
        ([], 150),
        (0, 0.5),
        (-5, 0.5),
        (10**15, 86_370),
    ],
)
def test_a_token_is_kept_for_less_than_it_lives(expires_in: object, usable: float) -> None:
    now = [1000.0]
    store = MemoryTokenStore(clock=lambda: now[0])
    body = {"access_token": "a", "expires_in": expires_in}
    client(ScriptedHttp(lambda token: exchange()), store, [body]).call("POST", "/")
    now[0] += usable - 0.1
    assert store.get("t") == "a"
    now[0] += 0.1
    assert store.get("t") is None


def test_accounts_do_not_share_a_token() -> None:
    assert token_name("d", "https://a", "key") == token_name("d", "https://a", "key")
    assert token_name("d", "https://a", "key") != token_name("d", "https://b", "key")
    assert token_name("d", "ab", "c") != token_name("d", "a", "bc")
    assert "key" not in token_name("d", "https://a", "key")
