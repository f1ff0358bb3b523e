"""The text of a script has the shared functions that it uses, in an order in which they find each other."""

from __future__ import annotations

import re

import pytest

from service.store.keys import Keys
from service.store.scripts import VERBS, Limits
from service.store.scripts.assembly import lua_script, source
from service.store.scripts.linking import SHARED, linked

PARTS = {
    "shared/now": "local function now_ms()\n  return 1\nend\n",
    "shared/base": "local call = redis.call\n\nlocal function int(number)\n  return number\nend\n",
    "shared/iso": "local iso = {}\n\nlocal known, other\n\nlocal function text_of(s)\n  return known\nend\n\n"
    "function iso.of(ms)\n  return text_of(int(ms))\nend\n\nfunction iso.unused()\n  return other\nend\n",
    "shared/rq": "local rq = {}\n\nfunction rq.one()\n  return rq.other()\nend\n\n"
    "function rq.other()\n  return iso.of(1)\nend\n",
}


def parts(name: str) -> str:
    return PARTS.get(name, "")


def test_a_text_gets_what_it_uses_and_what_that_uses() -> None:
    """Each function is named before the first of them, since `one` calls `other`, which comes later."""
    assert linked("return rq.one()\n", parts) == (
        "local iso_of, rq_one, rq_other\n"
        "local function int(number)\n  return number\nend\n"
        "local known, other\n\nlocal function text_of(s)\n  return known\nend\n\n"
        "function iso_of(ms)\n  return text_of(int(ms))\nend\n\n"
        "function rq_one()\n  return rq_other()\nend\n\nfunction rq_other()\n  return iso_of(1)\nend\n"
        "return rq_one()\n"
    )


def test_a_text_that_uses_nothing_gets_nothing() -> None:
    """Names of keys and fields that look like a part's do not count."""
    text = "return key.runs, plan.iso.of, 'rq'\n"
    assert linked(text, parts) == text


@pytest.mark.parametrize("verb", VERBS)
def test_no_script_has_a_function_that_it_does_not_use(verb: str) -> None:
    """Neither itself nor a step of it; and no table of a part is left."""
    text = lua_script(verb, Keys(), Limits(), {})
    names = re.findall(r"^function (\w+)\(", text, re.MULTILINE)
    assert [name for name in names if len(re.findall(rf"\b{name}\(", text)) < 2] == []
    assert re.findall(rf"(?<![\w.])(?:{'|'.join(SHARED)})\.\w+\(", text) == []


@pytest.mark.parametrize("part", SHARED)
def test_every_function_of_a_part_is_used_by_a_script(part: str) -> None:
    """What no script uses is in none, and nobody would miss it."""
    scripts = "".join(lua_script(verb, Keys(), Limits(), {}) for verb in VERBS)
    names = re.findall(rf"^function {part}\.(\w+)", source(f"shared/{part}"), re.MULTILINE)
    assert names and [name for name in names if f"function {part}_{name}(" not in scripts] == []
