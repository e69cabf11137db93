"""The servers that scripts start for themselves, and the file that tells of a running one."""

import os
import re
from pathlib import Path

import pytest

from deploy.local import running
from deploy.local.ports import OURS, free_port, is_free
from deploy.local.redis_server import answers, redis_server


@pytest.mark.redis
def test_a_redis_of_ours_wants_its_password_and_leaves_nothing_behind() -> None:
    port = free_port()
    url = f"redis://:fake-password@127.0.0.1:{port}/0"
    with redis_server(url):
        assert answers(url)
        assert not answers(f"redis://127.0.0.1:{port}/0")
        assert not is_free(port)
    assert not answers(url)


def test_a_free_port_is_not_one_that_the_kernel_lends_out() -> None:
    assert free_port() in OURS


def test_one_folder_runs_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = running.Server("http://127.0.0.1:8000", "http://127.0.0.1:8100", os.getpid())
    assert running.running_server() is None
    with running.as_the_only_one(server) as make_known:
        assert running.running_server() is None, "not all of it is up"
        with pytest.raises(running.AlreadyRuns), running.as_the_only_one(server):
            pass
        make_known()
        assert running.running_server() == server
        with (
            pytest.raises(running.AlreadyRuns, match=re.escape(server.url)),
            running.as_the_only_one(server),
        ):
            pass
        assert running.running_server() == server
    assert running.running_server() is None
