"""The environment that `make` installs."""

from pathlib import Path

import pytest

from deploy.local import virtualenv

LIST = """\
# why
kombu==1.0 \\
    --hash=sha256:aa
mysqlclient==2.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via -r requirements.in
packaging==3.0 \\
    --hash=sha256:dd
"""


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text(LIST)
    return path


def test_without_headers_only_the_driver_is_left_out(requirements: Path) -> None:
    kept = virtualenv._read(requirements, has_driver=False)
    assert "mysqlclient" not in kept
    assert "sha256:bb" not in kept
    assert "sha256:cc" not in kept
    assert "kombu==1.0" in kept
    assert "packaging==3.0" in kept


def test_with_headers_everything_is_installed(requirements: Path) -> None:
    assert virtualenv._read(requirements, has_driver=True) == LIST.rstrip("\n")


def test_the_driver_is_in_the_list_that_is_installed() -> None:
    listing = virtualenv.ROOT / "requirements.txt"
    assert f"\n{virtualenv.DRIVER}==" in listing.read_text()
