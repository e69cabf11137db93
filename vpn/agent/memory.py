"""The last good state on disk: a snapshot, and the changes that came after it."""

from __future__ import annotations

import logging
from pathlib import Path

from vpn.agent.state import (
    Answer,
    DoesNotFit,
    Malformed,
    State,
    answer_as_json,
    apply,
    as_snapshot,
    read_answer,
)
from vpn.agent.store import append_line, read_json, read_lines, write_json

logger = logging.getLogger(__name__)

# A change is one short line, so that a state of 10,000 peers (3 MB) is not written for each.
CHANGES_BEFORE_A_SNAPSHOT = 500


class Memory:
    def __init__(self, folder: Path) -> None:
        self._snapshot = folder / "state.json"
        self._changes = folder / "changes.jsonl"
        self._changes_kept = 0

    def load(self) -> State | None:
        """The state as it was kept last; None on a new gateway, or where the files make no sense."""
        try:
            whole = read_json(self._snapshot)
            if whole is None:
                return None
            state = apply(None, read_answer(whole["answer"]), epoch=whole["epoch"]).state
            for line in read_lines(self._changes):
                # Lines from before the snapshot are left when a power cut came between the two.
                if line["answer"]["base"] == state.revision and line["epoch"] == state.epoch:
                    state = apply(state, read_answer(line["answer"]), epoch=state.epoch).state
        except (ValueError, KeyError, TypeError, Malformed, DoesNotFit) as problem:
            logger.error("The state on disk cannot be read, the server is asked: %s", problem)
            return None
        self.keep(state)
        return state

    def keep(self, state: State, change: Answer | None = None) -> None:
        """Keep the state durably; by the change alone that led to it, where there is one."""
        if change is not None and change.base is not None:
            self._changes_kept += 1
            if self._changes_kept <= CHANGES_BEFORE_A_SNAPSHOT:
                append_line(self._changes, {"epoch": state.epoch, "answer": answer_as_json(change)})
                return
        write_json(
            self._snapshot, {"epoch": state.epoch, "answer": answer_as_json(as_snapshot(state))}
        )
        self._changes.unlink(missing_ok=True)
        self._changes_kept = 0
