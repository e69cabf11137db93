"""The Open API's sessions: opened by the API key, usable only after a while, shared, renewed early.

A session that is opened now cannot be used before its delay is over (1.2). So the next one is opened
while calls still use the old one; only a cold start waits.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from threading import Lock

from payments.providers.authorised import AuthorisedHttp, TokenRules
from payments.providers.base import Health
from payments.providers.http import CallFailed, ProviderHttp, Token, TokenStore, usable_seconds

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 300  # a quiet hour must not end in a cold start: some call comes within this
TRY_AGAIN_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Session:
    """One session id. Times are seconds since 1970, which all processes agree on."""

    id: str
    live_at: float
    renew_at: float
    good_until: float


class SessionHttp(AuthorisedHttp):
    """Calls with a session in the token's place. The store keeps the old and the next together."""

    def __init__(
        self,
        http: ProviderHttp,
        tokens: TokenStore,
        *,
        name: str,
        rules: TokenRules,
        delay_seconds: int,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        super().__init__(http, tokens, name=name, rules=rules)
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._sleep = sleep
        self._renewing = Lock()
        self._renew_not_before = 0.0

    def health(self) -> Health:
        """Whether a new session can be opened: one at hand proves nothing about now. Never waits."""
        try:
            with self._tokens.refreshing(self._name):
                self._open(older=self._kept())
        except CallFailed as failure:
            return Health(is_up=False, detail=str(failure))
        return Health(is_up=True)

    def _token(self) -> str:
        """A live session's id, waited for when there is none yet."""
        kept = self._kept()
        now = self._clock()
        if live := [session for session in kept if session.live_at <= now]:
            if self._is_renewal_due(kept):
                self._renew_ahead()
            return live[-1].id
        newest = self._newest()
        wait = newest.live_at - self._clock()
        if wait > 0:
            self._sleep(min(wait, self._delay_seconds))  # a clock that was set back costs no more
        return newest.id

    def _forget(self, dead: str) -> None:
        with self._tokens.refreshing(self._name):
            kept = self._kept()
            left = [session for session in kept if session.id != dead]
            if left:
                self._keep(left)
            elif kept:
                self._tokens.forget(self._name)

    def _newest(self) -> Session:
        """The last session that was opened, by whichever process, or one that is opened now."""
        if kept := self._kept():
            return kept[-1]
        with self._tokens.refreshing(self._name):
            if kept := self._kept():
                return kept[-1]
            return self._open(older=())

    def _renew_ahead(self) -> None:
        """Open the next session unless somebody is at it; the old one serves on meanwhile."""
        if not self._renewing.acquire(blocking=False):
            return
        try:
            with self._tokens.refreshing(self._name):
                kept = self._kept()
                if self._is_renewal_due(kept):
                    self._open(older=kept)
        except CallFailed as failure:
            self._renew_not_before = self._clock() + TRY_AGAIN_SECONDS
            logger.warning("the next M-Pesa session could not be opened: %s", failure)
        finally:
            self._renewing.release()

    def _is_renewal_due(self, kept: Sequence[Session]) -> bool:
        now = self._clock()
        return bool(kept) and kept[-1].renew_at <= now and self._renew_not_before <= now

    def _open(self, older: Sequence[Session]) -> Session:
        token = self._fetch()
        now = self._clock()
        good_until = now + usable_seconds(token)
        ahead = self._delay_seconds + min(AHEAD_SECONDS, token.lifetime_seconds / 4)
        live_at = now + self._delay_seconds
        opened = Session(
            id=token.value,
            live_at=live_at,
            renew_at=max(live_at, good_until - ahead),
            good_until=good_until,
        )
        self._keep([*older[-1:], opened])
        return opened

    def _kept(self) -> list[Session]:
        """The sessions in the store that have not ended, the oldest first.

        What another release has written in another form counts as none.
        """
        value = self._tokens.get(self._name)
        try:
            sessions = [Session(**kept) for kept in json.loads(value or "[]")]
        except (ValueError, TypeError):
            return []
        now = self._clock()
        return [session for session in sessions if now < session.good_until]

    def _keep(self, sessions: Sequence[Session]) -> None:
        value = json.dumps([asdict(session) for session in sessions])
        self._tokens.put(self._name, Token(value, self._rules.lifetime_seconds))
