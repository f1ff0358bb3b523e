"""Guides: the pages of `docs/` and the README, as they are served.

In a checkout they are read where they are written. A wheel has them in `pages`, beside this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from service.home import checkout

FIRST = "readme"
"""The name under which the README is served."""
_SHIPPED = Path(__file__).parent / "pages"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)

SECTIONS: Mapping[str, Sequence[str]] = {
    "Begin": (FIRST, "api", "schedules", "cli", "console"),
    "Jobs and runs": (
        "occurrences", "changing-occurrences", "calendars", "pauses", "backfill", "expectations", "heartbeats",
        "badges", "alerts",
    ),
    "Bots and people": ("birthday", "visitor", "webhook", "messages", "templates", "address-books", "write-a-bot"),
    "Run the service": (
        "deploy", "settings", "access", "silence", "guarantees", "sigterm", "traces", "redis-keys",
    ),
    "Optional": ("architecture", "performance", "glossary"),
}  # fmt: skip
"""The guides by subject. What is `Optional` may be left out where there is little room (llmstxt.org)."""


def guides() -> Mapping[str, str]:
    """Return the text of each guide, by its name. Links lead to other guides; those to other files are plain text."""
    found = dict(_found())
    return {name: _with_links(text, found) for name, text in found.items()}


def index(known: Mapping[str, str]) -> str:
    """Write `/llms.txt` (llmstxt.org): a title, a summary, and each guide with the question that it answers.

    Args:
        known: the text of each guide, by its name.
    """
    lines = [
        "# Bot Scheduler",
        "",
        "> A scheduled-job service: create jobs over REST, and each occurrence runs once, on time, with its history.",
        "",
        "Requests need a key in the header `X-API-Key`. An error is one sentence in `detail`. Timestamps are UTC.",
        "",
        "## The API",
        "",
        "- [OpenAPI 3.1](/openapi.json): every operation with its parameters, schemas and examples",
        "- [The same as a page](/docs): with a curl command for each operation",
    ]
    for title, names in SECTIONS.items():
        lines += ["", f"## {title}", ""]
        lines += [
            f"- [{_title(known[name])}](/docs/{name}.md): {_question(known[name])}" for name in names if name in known
        ]
    return "\n".join(lines) + "\n"


def _found() -> Iterator[tuple[str, str]]:
    here = _SHIPPED if _SHIPPED.is_dir() else checkout()
    if here is None:
        return
    for path in (here / "README.md", *sorted((here if here == _SHIPPED else here / "docs").glob("*.md"))):
        if path.is_file():
            yield FIRST if path.stem == "README" else path.stem, path.read_text(encoding="utf-8")


def _with_links(text: str, known: Mapping[str, str]) -> str:
    def changed(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        if "://" in target or target.startswith("#"):
            return found[0]
        path, mark, anchor = target.partition("#")
        name = {"../README.md": FIRST}.get(path, path.removeprefix("docs/").removesuffix(".md"))
        if picture or name not in known or not path.endswith(".md"):
            return words
        return f"[{words}]({name}.md{mark}{anchor})"

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(changed, part) for part in parts)


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _question(text: str) -> str:
    """Return the first sentence of a guide: the question that it answers."""
    return re.split(r"(?<=[.?!])\s", " ".join(text.split("\n\n")[1].split()))[0]
