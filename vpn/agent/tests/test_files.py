"""What is kept on the gateway's disk: whole, private, and readable after a power cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpn.agent import memory as memory_module
from vpn.agent.memory import Memory
from vpn.agent.state import State, apply
from vpn.agent.store import append_line, read_json, read_lines, write_json
from vpn.agent.tests.states import EPOCH, change, peer, state_of


def grown(memory: Memory, state: State, number: int) -> State:
    answer = change(state, peer(number))
    after = apply(state, answer, epoch=EPOCH).state
    memory.keep(after, answer)
    return after


def test_files_are_their_owners_alone_even_where_one_was_not(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_json(path, {"a": 1})
    path.chmod(0o644)
    write_json(path, {"a": 2})
    append_line(tmp_path / "lines", {})
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lines").stat().st_mode & 0o777 == 0o600
    assert read_json(path) == {"a": 2}
    assert [file.name for file in path.parent.iterdir()] == ["file.json"]


def test_a_line_that_a_power_cut_left_unfinished_is_not_read(tmp_path: Path) -> None:
    append_line(tmp_path / "lines", 1)
    append_line(tmp_path / "lines", 2)
    with (tmp_path / "lines").open("ab") as file:
        file.write(b'{"half":')
    assert read_lines(tmp_path / "lines") == [1, 2]


def test_a_new_gateway_remembers_nothing(tmp_path: Path) -> None:
    assert Memory(tmp_path).load() is None


def test_the_state_is_what_its_changes_made_of_it(tmp_path: Path) -> None:
    memory, state = Memory(tmp_path), state_of(peer(1), used_before={1: 5})
    memory.keep(state)
    for number in (2, 3, 4):
        state = grown(memory, state, number)
    assert Memory(tmp_path).load() == state
    assert Memory(tmp_path).load() == state, "reading it changed it"


def test_a_snapshot_takes_the_place_of_many_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "CHANGES_BEFORE_A_SNAPSHOT", 2)
    memory, state = Memory(tmp_path), state_of(peer(1))
    memory.keep(state)
    for number in range(2, 9):
        state = grown(memory, state, number)
        assert len(read_lines(tmp_path / "changes.jsonl")) <= 2
    assert Memory(tmp_path).load() == state


def test_changes_from_before_the_snapshot_are_passed_over(tmp_path: Path) -> None:
    memory, state = Memory(tmp_path), state_of(peer(1))
    memory.keep(state)
    state = grown(memory, state, 2)
    old = (tmp_path / "changes.jsonl").read_bytes()
    memory.keep(state)
    (tmp_path / "changes.jsonl").write_bytes(old)
    assert Memory(tmp_path).load() == state


@pytest.mark.parametrize("content", ["", "{}", '{"epoch":"e1","answer":{}}', "[1"])
def test_a_state_that_makes_no_sense_is_asked_for_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content, encoding="ascii")
    assert Memory(tmp_path).load() is None
