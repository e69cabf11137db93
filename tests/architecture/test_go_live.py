"""The pages for going live name what exists: dialects, variables, places in code, checks, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from payments.providers import registry

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "docs/go-live"
PAGES = sorted(FOLDER.glob("*.md"))

# "in code: `path`, `name`": what is answered there has no variable.
IN_CODE = re.compile(r"in code: `([^`]+)`, `([^`]+)`")
VARIABLE = re.compile(r"(?<!>)\b[A-Z]+(?:_[A-Z0-9]+)+\b")  # not what a provider's XML holds
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


@pytest.fixture(scope="module")
def variables() -> set[str]:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))


@pytest.mark.parametrize("dialect", registry.DIALECTS, ids=lambda dialect: dialect.name)
def test_every_dialect_has_a_page_with_the_settings_that_enable_it(
    dialect: registry.Dialect,
) -> None:
    page = _read(FOLDER / f"{dialect.name}.md")
    assert {*dialect.credentials, *dialect.disbursing} - _variables_in(page) == set()
    assert f"({dialect.name}.md)" in _read(FOLDER / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_variable_of_a_page_exists(page: Path, variables: set[str]) -> None:
    assert _variables_in(_read(page)) - variables == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_place_in_code_exists(page: Path) -> None:
    text = _read(page)
    assert text.count("in code:") == len(IN_CODE.findall(text))
    for path, name in IN_CODE.findall(text):
        assert re.search(rf"\b{re.escape(name)}\b", _read(ROOT / path)), f"{name} in {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_system_check_of_a_page_exists(page: Path) -> None:
    known = set(re.findall(r'"(payments\.[EW]\d+)"', _read(ROOT / "payments/checks.py")))
    assert set(re.findall(r"payments\.[EW]\d+", _read(page))) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for path, heading in LINK.findall(_read(page)):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not heading or heading in _headings(target), f"{path}#{heading}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _variables_in(page: str) -> set[str]:
    return set(VARIABLE.findall(IN_CODE.sub("", page)))


def _headings(page: Path) -> set[str]:
    """As anchors: lower case, hyphens for blanks, no punctuation."""
    titles = re.findall(r"^#+ (.+)$", _read(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
