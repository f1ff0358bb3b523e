"""The documents: links lead somewhere, named files and tests exist, and each page starts with its question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.domain.access.changes import ACTIONS
from service.store.audit.refusals import REFUSED, REFUSED_KEY

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
EXAMPLE = ROOT / "examples" / "chores-bot"
"""The package that docs/write-a-bot.md builds; the page names files as they are in it."""
PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
PROSE = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""Not the changelog: it names files as they were."""


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))


def without_code(text: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower()) for title in titles]
    return {word.replace(" ", "-") for word in words}


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the anchor of each link that stays in the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if "://" not in target and not target.startswith("mailto:"):
            path, _, anchor = target.partition("#")
            yield path, anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    """Moved pages and renamed headings show here."""
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PROSE, ids=name_of)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """So do moved modules, scripts and tests."""
    named = re.findall(r"`((?:service|tests|bench|tools|docs|deploy|examples)/[\w./@-]*)`", page.read_text())
    missing = [path for path in named if not any((start / path).exists() for start in (ROOT, EXAMPLE))]
    modules = re.findall(r"`(service(?:\.[a-z_]+)+)`", page.read_text())
    missing += [name for name in modules if not any(_places(name.split(".")))]
    assert missing == []


def _places(parts: list[str]) -> Iterator[bool]:
    """Yield whether the name is a module, a package, or a name in one of them."""
    for end in (len(parts), len(parts) - 1):
        place = ROOT.joinpath(*parts[:end])
        yield place.with_suffix(".py").exists()
        yield end > 1 and (place / "__init__.py").exists()


def test_every_name_that_the_architecture_looks_up_is_in_its_file() -> None:
    """The answers of "Where is …" say `file`, `name`."""
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## Where is …")[2].partition("\n## ")[0]
    answers = re.findall(r"`(service/[\w./]+)`((?:(?:,| and) `\w+`)+)", table)
    assert len(answers) >= 10
    for path, names in answers:
        for name in re.findall(r"\w+", names.replace(" and ", " ")):
            assert re.search(rf"\b(def|class|function) (\w+\.)?{name}\b", (ROOT / path).read_text()), f"{path}: {name}"


def test_every_test_that_the_guarantees_name_exists() -> None:
    """A promise without its test is only a claim."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "guarantees.md").read_text()))
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }
    assert named and named <= defined


@pytest.mark.parametrize("page", [page for page in PROSE if page.parent != DECISIONS], ids=name_of)
def test_a_page_starts_with_the_question_that_it_answers(page: Path) -> None:
    """A reader knows after one line whether to go on."""
    title, question = page.read_text().split("\n\n")[:2]
    assert title.startswith("# ")
    assert page.name == "README.md" or question.endswith("?")


def test_the_readme_fits_and_lists_its_sections() -> None:
    """At most 200 lines; the table of contents is complete and in order."""
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    sections = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert re.findall(r"^- \[(.*)\]\(#", text, re.MULTILINE) == [name for name in sections if name != "Contents"]


def test_the_readme_leads_to_every_page() -> None:
    """No page is hidden."""
    linked = {path for path, _ in links(ROOT / "README.md")}
    pages = {name_of(page) for page in PAGES if page.parent != DECISIONS and page.name != "README.md"}
    assert pages <= linked


def test_each_decision_is_numbered_dated_and_listed() -> None:
    """The index agrees with the pages, and each page has its three parts."""
    pages = sorted(page for page in DECISIONS.glob("*.md") if page.name != "README.md")
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.*)\) \| ([\d-]{10}) \| (.*) \|$", (DECISIONS / "README.md").read_text(), re.M
    )
    assert [name for _, name, _, _ in listed] == [page.name for page in pages]
    for count, (page, (number, _, date, title)) in enumerate(zip(pages, listed, strict=True), 1):
        text = page.read_text()
        assert number == f"{count:04}" == page.name[:4]
        assert text.startswith(f"# {number}. {title}\n\nDate: {date}\n")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_action_of_the_audit_log_can_be_searched_for_and_is_documented() -> None:
    """What the code notes is in the list of actions, and the table of the docs has exactly those."""
    kinds = "|".join({action.partition(".")[0] for action in ACTIONS} - {"contacts"}) + "|contacts(?=.import)"
    folders = [ROOT / "service" / name for name in ("usecases", "store", "contacts")]
    code = "".join(module.read_text() for folder in folders for module in folder.rglob("*.py"))
    actions = set(re.findall(rf'"((?:{kinds})\.[a-z]+)"', code))
    actions |= set(re.findall(r'(?:Change|entry_of|job_entry)\(\s*"([a-z]+\.[a-z]+)"', code))
    assert {"job.create", "contact.erase", "key.rotate", "session.end"} <= actions <= {*ACTIONS, REFUSED_KEY}
    table = (ROOT / "docs" / "api.md").read_text().partition("| `action` | what |")[2].partition("\n\n")[0]
    first = " ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))
    assert set(re.findall("`([a-z.]+)`", first)) == {*ACTIONS, REFUSED, REFUSED_KEY}
