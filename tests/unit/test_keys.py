"""Redis keys are named in one place, once, and documented."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from service.store.keys import Keys

ROOT = Path(__file__).parents[2]
LUA = ROOT / "service" / "store" / "lua"
DOCUMENT = ROOT / "docs" / "redis-keys.md"

NO_KEYS = {
    "wake": "a channel",
    "run_news": "a channel for each run",
    "queue_name": "a part of RQ's keys",
    "old_queue_name": "the same, of the older release",
    "ledger_start": "the start of the ledger's keys",
    "birthdays": "`birthdays_of` under another name",
}
"""Names in `Keys` that have no row of their own, and why."""

RQ_ALONE = {"rq:workers", "rq:workers:{prefix}-queue"}
"""Keys that RQ itself uses, and nothing of ours names."""

SHAPES = {"told": "{}:{}", "rq_execution": "{}:{}", "birthdays_of": "{}-{}"}
"""Ids with several parts, by the name of their key."""

LITERAL_KEY = re.compile(r"""call\(\s*(['"])[A-Za-z]+\1\s*,\s*['"]|['"](?:bot-scheduler|rq):""")
"""A command whose first argument is a text, or a text that begins as our keys or RQ's do."""


def names(part: type) -> list[str]:
    """The keys that one part of `Keys` names."""
    return [
        name for name, member in vars(part).items()
        if not name.startswith("_") and (isinstance(member, property) or inspect.isfunction(member))
    ]  # fmt: skip


def shape(name: str) -> str:
    """A key with `{}` for each part that varies, and with `{prefix}`."""
    key = getattr(Keys(prefix="{prefix}"), name)
    if isinstance(key, str):
        return key
    return str(key(*[SHAPES.get(name, "{}") for _ in inspect.signature(key).parameters]))


def documented() -> list[str]:
    """The same for each row of the document."""
    rows = re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    return [re.sub(r"\{(?!prefix\})\w+\}", "{}", row) for row in rows]


def test_every_key_has_a_row_in_the_document_and_every_row_a_key() -> None:
    """One each, whether a script uses it or Python alone."""
    named = [shape(name) for part in Keys.__bases__ for name in names(part) if name not in NO_KEYS]
    assert len(named) >= 60
    assert sorted(documented()) == sorted([*named, *RQ_ALONE])


def test_no_key_is_named_in_two_parts() -> None:
    """The order of the parts would decide which one counts."""
    count = Counter(name for part in Keys.__bases__ for name in names(part))
    assert [name for name, times in count.items() if times > 1] == []
    assert set(NO_KEYS) | set(SHAPES) <= set(count)


@pytest.mark.parametrize("text", ["call('INCR', 'bot-scheduler:x')", 'redis.call("DEL", "x")', "local k = 'rq:job:'"])
def test_a_key_written_in_a_script_is_seen(text: str) -> None:
    """In each of its spellings."""
    assert LITERAL_KEY.search(text)


@pytest.mark.parametrize("script", sorted(LUA.rglob("*.lua")), ids=lambda script: script.stem)
def test_no_script_writes_a_key_itself(script: Path) -> None:
    """It takes keys from `key` or `KEYS`."""
    assert LITERAL_KEY.search(script.read_text()) is None
