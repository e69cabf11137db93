"""Makes `.venv` with the pinned requirements, when it is not there or no longer what they say.

Runs on the system's own Python, before anything is installed: nothing but the standard library,
and no syntax that keeps an old Python from reading the sentence that it is too old.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
OLDEST, NEWEST = (3, 11), (3, 13)
DRIVER = "mysqlclient"


def main() -> None:
    """Make or renew the environment; `--dev` adds what tests and checks need."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="with the development requirements")
    names = ["requirements.txt"]
    if parser.parse_args().dev:
        names.append("requirements-dev.txt")
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        sys.exit(
            "Konektika needs Python 3.11, 3.12 or 3.13 and this is {}.{}: "
            "name another, as in `make run PYTHON=python3.12`.".format(*version)
        )
    has_driver = _can_build_driver()
    lists = [_read(ROOT / name, has_driver) for name in names]
    if all(_stamp(text).exists() for text in lists) and PYTHON.exists():
        return
    _say("Installing the requirements into .venv, once: under a minute.")
    if not has_driver:
        _say(
            "MariaDB's headers are not on this machine (Debian: libmariadb-dev, pkg-config): "
            "the MySQL driver is left out, SQLite serves."
        )
    for stamp in HOME.glob("installed-*"):
        stamp.unlink()
    _make()
    _install("\n".join(lists))
    for text in lists:
        _stamp(text).touch()


def _stamp(requirements: str) -> Path:
    """The file that tells that exactly these are installed, for this Python and this folder."""
    facts = "\n".join([sys.version, str(HOME), requirements])
    return HOME / "installed-{}".format(hashlib.sha256(facts.encode()).hexdigest()[:16])


def _can_build_driver() -> bool:
    """Whether mysqlclient's build will find a compiler and the client library."""
    if not (shutil.which("cc") or shutil.which("gcc")):
        return False
    if os.environ.get("MYSQLCLIENT_CFLAGS"):
        return True
    if not shutil.which("pkg-config"):
        return False
    return any(
        subprocess.call(["pkg-config", "--exists", library], stderr=subprocess.DEVNULL) == 0
        for library in ("mysqlclient", "mariadb", "libmariadb", "perconaserverclient")
    )


def _read(path: Path, has_driver: bool) -> str:
    """A compiled list, without the driver's lines where it cannot be built."""
    kept, is_driver = [], False
    for line in path.read_text().splitlines():
        if not line.startswith((" ", "#")):
            is_driver = line.startswith(DRIVER + "==")
        if has_driver or not is_driver:
            kept.append(line)
    return "\n".join(kept)


def _make() -> None:
    """An empty environment of this Python, unless a sound one is there."""
    probe = "import pip, sys; print(sys.version, sys.prefix)"
    try:
        found = subprocess.run(
            [str(PYTHON), "-c", probe], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        found = ""
    if found != "{} {}".format(sys.version, HOME):
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(HOME)])


def _install(requirements: str) -> None:
    """Install exactly these, each checked against its hash. Ends the program when pip fails."""
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write(requirements)
        listing.flush()
        options = ["-qq", "--no-input", "--no-deps", "--require-hashes", "-r", listing.name]
        if subprocess.call(pip + options) != 0:
            sys.exit("pip could not install the requirements: its words are above.")


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
