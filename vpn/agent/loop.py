"""The agent at work: one thread asks the server, one tells it, and this one serves, each second.

Only this one touches the back-end, and nothing that it does waits for the server.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from vpn.agent import VERSION
from vpn.agent.backend import Backend, BackendFailed, CountersLost, Service
from vpn.agent.books import Books
from vpn.agent.client import (
    Client,
    GatewayUnknown,
    NothingNew,
    Question,
    Refused,
    ServerAway,
)
from vpn.agent.memory import Memory
from vpn.agent.roster import Roster
from vpn.agent.state import NO_PEERS, Answer, Change, DoesNotFit, Shrinks, State, apply

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
REPORT_SECONDS = 10.0
AUDIT_SECONDS = 300.0
MEND_SECONDS = 5.0  # after a failure of the machine's, until all is compared again
ASK_AGAIN_SECONDS = 10.0  # after an answer that was of no use
MOST_SECONDS_BETWEEN_TRIES = 30.0
UNKNOWN_SECONDS = 60.0  # how long a server that does not know us is left alone


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer, the question it belongs to, and whom to tell when it is dealt with."""

    question: Question
    answer: Answer
    done: Callable[[float], None]  # called with the seconds to wait before the next question


class Agent:
    def __init__(
        self,
        backend: Backend,
        *,
        own_public_key: str,
        memory: Memory,
        books: Books,
        new_client: Callable[[], Client],
    ) -> None:
        self._backend = backend
        self._memory = memory
        self._books = books
        self._new_client = new_client
        self._roster = Roster(own_public_key)
        self._state: State | None = None
        self._epoch = ""
        self._question = Question("", None, None)
        self._inbox: queue.Queue[Delivery] = queue.Queue()
        self._stopping = threading.Event()
        self._report_is_ready = threading.Event()
        self._ended: set[int] = set()
        self._spent: frozenset[int] = frozenset()
        self._repairs = 0
        self._refused_revision: int | None = None
        self._report_at = self._audit_at = 0.0  # by the monotonic clock

    def stop(self) -> None:
        """End soon; what is served stays in force. May be called from a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Serve until `stop`. Raises BackendFailed where the machine cannot serve at all."""
        self._state = self._memory.load()
        self._begin()
        threads = [threading.Thread(target=work, daemon=True) for work in (self._ask, self._tell)]
        for thread in threads:
            thread.start()
        while not self._stopping.is_set():
            self._take_answers(until=time.monotonic() + TICK_SECONDS)
            self._tick()
            if not (self._stopping.is_set() or all(thread.is_alive() for thread in threads)):
                raise RuntimeError("a thread has ended")  # the supervisor starts us again

    def _begin(self) -> None:
        """Adopt or begin an epoch, and serve the last good state before anybody is asked."""
        self._epoch = self._backend.open()
        state, is_new = self._state, False
        if state is not None and state.epoch != self._epoch:
            logger.warning("The counters began anew; their epoch is %s.", self._epoch)
            state, is_new = self._in_new_epoch(state), True
        self._state = state
        self._next_question(whole=is_new)
        if state is not None:
            self._roster.update(state.gateway, state.peers, state.peers)
            self._guarded(self._serve_all)

    def _begin_again(self) -> None:
        try:
            self._begin()
        except BackendFailed as problem:
            logger.error("%s. It is tried again at once.", problem)

    def _in_new_epoch(self, state: State) -> State:
        """Used before is what the server told of the old epoch, and what we counted in it."""
        used_before = dict(state.used_before)
        for group, used in self._books.used(state.epoch).items():
            used_before[group] = used_before.get(group, 0) + used
        state = state.in_epoch(self._epoch, used_before)
        self._memory.keep(state)
        self._spent = frozenset()
        return state

    def _next_question(self, *, whole: bool = False) -> None:
        if whole or self._state is None:
            self._question = Question(self._epoch, None, None)
        else:
            self._question = Question(self._epoch, self._state.revision, self._state.digest_text())

    # The server's answers

    def _take_answers(self, *, until: float) -> None:
        """Deal with answers as they come, until the next tick is due."""
        while (seconds := until - time.monotonic()) > 0:
            try:
                delivery = self._inbox.get(timeout=seconds)
            except queue.Empty:
                return
            delivery.done(self._take(delivery.question, delivery.answer))

    def _take(self, question: Question, answer: Answer) -> float:
        """Serve what the answer says: the seconds to wait before the next question."""
        if question.epoch != self._epoch:
            return 0
        answer = self._with_our_figures(answer)
        try:
            change = apply(self._state, answer, epoch=self._epoch)
        except DoesNotFit as problem:
            logger.warning("The state is asked for as a whole: %s.", problem)
            self._next_question(whole=True)
            return 0 if question.revision is not None else ASK_AGAIN_SECONDS
        except Shrinks as refusal:
            logger.error("Not served until staff allow it: %s.", refusal)
            self._refused_revision = refusal.revision
            return ASK_AGAIN_SECONDS
        self._refused_revision = None
        self._guarded(partial(self._serve, change))
        self._memory.keep(change.state, answer)
        self._next_question()
        return 0

    def _with_our_figures(self, answer: Answer) -> Answer:
        """The server cannot know what of earlier epochs was not reported yet; we do."""
        if self._state is None or not self._books.has_untold(besides=self._epoch):
            return answer
        ours = self._state.used_before
        groups = {peer.group for peer in answer.upsert}
        used_before = {g: max(answer.used_before.get(g, 0), ours.get(g, 0)) for g in groups}
        return replace(answer, used_before=used_before)

    def _serve(self, change: Change) -> None:
        before, self._state = self._state, change.state
        looked_at = self._roster.update(change.state.gateway, change.state.peers, change.peers)
        self._ended -= looked_at
        if before is None or replace(before.gateway, may_shrink=False) != replace(
            change.state.gateway, may_shrink=False
        ):
            self._serve_all()
            return
        self._backend.apply(
            self._services(change.state, looked_at),
            change.state.allowances(change.groups),
            self._books.counted(self._epoch),
        )

    def _serve_all(self) -> int:
        """Configure the gateway and put all into force: how much of it was not."""
        if self._state is None:
            return 0
        self._backend.configure(self._state.gateway)
        return self._compare()

    def _compare(self) -> int:
        """Mend whatever is not as it should be: how much that was."""
        self._audit_at = time.monotonic() + AUDIT_SECONDS
        if self._state is None:
            return 0
        services = self._services(self._state, self._state.peers)
        served = {peer: service for peer, service in services.items() if service}
        allowances = self._state.allowances(service.group for service in served.values())
        return self._backend.audit(served, allowances, self._books.counted(self._epoch))

    def _services(self, state: State, peers: Iterable[int]) -> dict[int, Service | None]:
        now = time.time()
        return {peer: self._roster.service(state.peers.get(peer), now=now) for peer in peers}

    # Each second

    def _tick(self) -> None:
        """Each duty by itself: one that fails does not keep the others from their turn."""
        for duty in (self._mend, self._end_services, self._watch_allowances, self._tell_in_time):
            self._guarded(duty)

    def _mend(self) -> None:
        if self._state is not None and not self._backend.is_whole():
            logger.warning("The interface is gone or not ours; it is made anew.")
            self._repairs += self._serve_all()
        elif time.monotonic() >= self._audit_at and (repairs := self._compare()):
            logger.warning("%d things were not as they should be, and were mended.", repairs)
            self._repairs += repairs

    def _watch_allowances(self) -> None:
        """The packet was stopped without us; the server hears of it now."""
        spent = self._backend.spent()
        if spent - self._spent:
            self._report_at = time.monotonic()
        self._spent = spent

    def _tell_in_time(self) -> None:
        if time.monotonic() >= self._report_at:
            self._read()
            self._report_at = time.monotonic() + REPORT_SECONDS
            self._report()
        elif self._books.has_untold(besides=self._epoch):
            self._report()

    def _end_services(self) -> None:
        """Suspend those whose time is over: by ourselves, whether the server is there or not."""
        if self._state is None:
            return
        now = time.time()
        over = {
            peer.id
            for peer in self._state.peers.values()
            if peer.ends_at <= now and peer.id not in self._ended
        }
        if over:
            self._backend.apply(
                self._services(self._state, over), {}, self._books.counted(self._epoch)
            )
            self._ended |= over

    def _read(self) -> None:
        """Keep all counters durably; those of peers that are gone have then been read for good."""
        reading = self._backend.read()
        if reading.epoch != self._epoch:
            raise CountersLost(f"the counters' epoch is {reading.epoch} now")
        keys = self._roster.public_keys()
        handshakes = {pair: reading.handshakes.get(key, 0) for pair, key in keys.items()}
        self._books.record(reading.epoch, reading.counters, handshakes)
        self._backend.retire(keys.keys())

    def _report(self) -> None:
        """Make a report of what the server does not have, unless one is still under way."""
        self._books.close_epochs(besides=self._epoch)
        state = self._state
        about = {
            "at": int(time.time()),
            "revision": state.revision if state else 0,
            "digest": state.digest_text() if state else NO_PEERS,
            "health": {
                "version": VERSION,
                "backend": self._backend.name,
                "peers": len(self._roster.public_keys()),
                "repairs": self._repairs,
                "refused_revision": self._refused_revision,
            },
        }
        self._books.compose(self._epoch, about)
        self._report_is_ready.set()

    def _guarded(self, work: Callable[[], object]) -> None:
        """A fault of the machine is told and mended by the next comparison; the agent goes on."""
        try:
            work()
        except CountersLost as loss:
            logger.warning("Counters lost: %s.", loss)
            self._begin_again()
        except BackendFailed as problem:
            logger.error("%s. All is compared again soon.", problem)
            self._audit_at = time.monotonic() + MEND_SECONDS

    # The two threads that talk to the server

    def _ask(self) -> None:
        client, failures = self._new_client(), 0
        while not self._stopping.is_set():
            question = self._question
            try:
                answer = client.state(question)
            except (ServerAway, GatewayUnknown, Refused) as problem:
                failures += 1
                self._stopping.wait(_told_seconds("The state", problem, failures))
                continue
            failures = 0
            if isinstance(answer, NothingNew):
                self._stopping.wait(answer.retry_after)
            else:
                self._stopping.wait(self._hand_over(question, answer))

    def _hand_over(self, question: Question, answer: Answer) -> float:
        """Wait until the answer is served: the seconds until the next question."""
        dealt_with: queue.Queue[float] = queue.Queue()
        self._inbox.put(Delivery(question, answer, dealt_with.put))
        return dealt_with.get()

    def _tell(self) -> None:
        client, failures = self._new_client(), 0
        while not self._stopping.is_set():
            report = self._books.under_way()
            if report is None:
                self._report_is_ready.wait()
                self._report_is_ready.clear()
                continue
            try:
                unknown = client.report(report.body)
            except (ServerAway, GatewayUnknown, Refused) as problem:
                failures += 1
                pause = _told_seconds(f"Report {report.sequence}", problem, failures)
                if isinstance(problem, Refused):
                    self._books.abandon(report)
                self._stopping.wait(pause)
                continue
            failures = 0
            self._books.confirmed(report)
            if unknown:
                logger.error("The server knows nothing of peers %s here.", sorted(unknown))


def _told_seconds(what: str, problem: Exception, failures: int) -> float:
    """Log why it failed: the seconds to wait, longer each time and never quite the same."""
    if isinstance(problem, GatewayUnknown):
        logger.error("%s: the server does not take our secret (%s).", what, problem)
        return UNKNOWN_SECONDS
    logger.warning("%s: %s", what, problem)
    if isinstance(problem, Refused):
        return MOST_SECONDS_BETWEEN_TRIES
    pause = min(2.0 ** min(failures - 1, 10), MOST_SECONDS_BETWEEN_TRIES)
    asked = problem.retry_after if isinstance(problem, ServerAway) else None
    return max(pause * random.uniform(0.5, 1), min(asked or 0, UNKNOWN_SECONDS))  # noqa: S311  # no secret
