"""The documentation from the service itself: `/llms.txt`, and each page of `docs/` as Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import falcon.testing
import pytest

from service.asgi import assemble
from service.settings import Settings
from service.web.api.guides.library import FIRST, SECTIONS, guides
from tests.support.servers.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
NAMES = {path.stem for path in (ROOT / "docs").glob("*.md")} | {FIRST}
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def client(valkey_server: ValkeyServer) -> falcon.testing.TestClient:
    """Somebody without a key."""
    settings = {"redis_url": valkey_server.url, "api_key": "k"}
    return falcon.testing.TestClient(assemble(Settings.model_validate(settings)))


def test_every_page_has_its_place_in_the_index(client: falcon.testing.TestClient) -> None:
    """Once, with its title and the question that it answers."""
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(NAMES)
    answer = client.simulate_get("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("# Bot Scheduler\n\n> ")
    rows = re.findall(r"^- \[(.+)\]\(/docs/([a-z-]+)\.md\): (.+[.?])$", answer.text, re.MULTILINE)
    assert {name for _, name, _ in rows} == NAMES and len(rows) == len(NAMES)
    assert ("Schedules", "schedules", "How do I say when a job runs?") in rows
    for _, address in re.findall(r"\[([^\]]+)\]\((/[^)]*)\)", answer.text):
        assert client.simulate_get(address).status_code == 200, address


@pytest.mark.parametrize("name", sorted(NAMES))
def test_links_lead_to_guides_and_headings_that_are_served(client: falcon.testing.TestClient, name: str) -> None:
    """What is not served, such as a picture or a source file, is no link."""
    answer = client.simulate_get(f"/docs/{name}.md")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    texts = guides()
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", answer.text)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = texts[path.removesuffix(".md")] if path else answer.text
        assert not anchor or anchor in headings(there), target


def headings(text: str) -> set[str]:
    """The anchors of a page."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower()) for title in titles]
    return {word.replace(" ", "-") for word in words}


def test_a_guide_differs_from_its_page_by_links_alone() -> None:
    """Code blocks, tables and all words stay."""
    for name, text in guides().items():
        page = ROOT / ("README.md" if name == FIRST else f"docs/{name}.md")
        written = page.read_text()
        assert FENCED.findall(text) == FENCED.findall(written)
        assert bare(text) == bare(written), name


def bare(text: str) -> str:
    """A page without marks of links."""
    return re.sub(r"\]\([^)\s]*\)|[!\[\]]", "", text)


def test_who_has_a_guide_is_not_sent_it_again(client: falcon.testing.TestClient) -> None:
    """And an unknown name leads to the list."""
    tag = client.simulate_get("/docs/api.md").headers["etag"]
    assert client.simulate_get("/docs/api.md", headers={"If-None-Match": tag}).status_code == 304
    for name in ("nothing", "..", "API", "decisions"):
        answer = client.simulate_get(f"/docs/{name}.md")
        assert answer.status_code == 404
    assert "/llms.txt" in client.simulate_get("/docs/nothing.md").json["detail"]
