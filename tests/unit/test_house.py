"""The house keeps its measures: sizes of modules, functions, folders; a pure domain; contracts and documented keys."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.keys import Keys
from service.store.scripts import VERBS

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "service"
LUA = SERVICE / "store" / "lua"
LONGEST_MODULE, SHORTEST_MODULE = 300, 30
MOST_MODULES = 20
MEDIAN_FUNCTION = 10

SHORT = {
    "service/batches.py": "Python has this from 3.12 on",
    "service/bots/protocol.py": "old names, for one release",
    "service/clock.py": "every layer may need it",
    "service/contacts/writing/formulas.py": "one rule for every format",
    "service/domain/alerting/address_names.py": "the store and the courier need it",
    "service/domain/ids.py": "the one check of ids",
    "service/domain/schedules/intervals.py": "two modules need it before definitions",
    "service/runner.py": "RQ's stored records name it",
    "service/secrecy/own_copies.py": "one trick, explained once",
    "service/store/server/packing.py": "all connections need it",
    "service/web/api/messages.py": "a noun of the API",
    "service/web/http/page_headers.py": "every page of the process has them",
    "service/worker/main.py": "the entry, after which RQ may be imported",
}
"""Modules that are short for a reason, which their docstrings give, too."""

LONG_SCRIPTS = {
    "decide": "an occurrence is decided by its run, its skip and its job's move together",
    "decide_edit": "a changed occurrence is decided by its run, or its skip, and its mark together",
    "take_over": "an old worker must find each run either on the old queue or where it cannot claim it",
    "mend_counts": "where a job's runs are, and how many, is one reading of their records",
    "end_and_claim": "an end and a claim are one step, whose short way is written out",
    "end_in_full": "a run's end, its retry, its job's failures and its alerts are one step",
}
"""Scripts of more than 60 lines, and why."""


def modules() -> list[Path]:
    """Every module of the product."""
    folders = [SERVICE, ROOT / "bot_scheduler"]
    return sorted(module for folder in folders for module in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def broken() -> dict[str, str]:
    """Module or folder -> what it breaks."""
    found = {}
    for module in modules():
        if lines(module) > LONGEST_MODULE:
            found[name_of(module)] = "long"
        elif lines(module) < SHORTEST_MODULE and module.name != "__init__.py" and name_of(module) not in SHORT:
            found[name_of(module)] = "short"
    for folder in {module.parent for module in modules()}:
        if len([module for module in folder.glob("*.py") if module.name != "__init__.py"]) > MOST_MODULES:
            found[name_of(folder)] = "crowded"
    return found


def test_no_module_is_too_long_or_too_short_and_no_folder_is_crowded() -> None:
    """At most 300 lines, at least 30 without a reason, at most 20 modules."""
    assert broken() == {}


def test_short_modules_are_short() -> None:
    """None is excused that is gone or long enough by now."""
    assert [name for name in SHORT if not 0 < lines(ROOT / name) < SHORTEST_MODULE] == []


def functions(module: Path) -> Iterator[int]:
    """The length of each function, in lines, with its docstring."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.end_lineno - node.lineno + 1


@pytest.mark.parametrize(
    "room", sorted(folder.name for folder in SERVICE.iterdir() if (folder / "__init__.py").exists())
)
def test_half_of_a_rooms_functions_have_ten_lines_or_less(room: str) -> None:
    """In each room, with their docstrings."""
    lengths = [length for module in (SERVICE / room).rglob("*.py") for length in functions(module)]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION


READS_CLOCK = {("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("date", "today")}


def clock_reads(tree: ast.AST) -> list[str]:
    """Where a module reads a clock, by name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name == "time"]
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            found.append("time")
        elif isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            if parts[0] == "time" or tuple(parts[-2:]) in READS_CLOCK:
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "text", ["import time", "from time import sleep", "x = datetime.now(UTC)", "datetime.date.today()"]
)
def test_a_read_of_the_clock_is_seen(text: str) -> None:
    """In each of its spellings."""
    assert clock_reads(ast.parse(text)) != []


def test_the_domain_reads_no_clock() -> None:
    """Its callers pass the time in."""
    reads = {
        name_of(module): clock_reads(ast.parse(module.read_text())) for module in (SERVICE / "domain").rglob("*.py")
    }
    assert {name: found for name, found in reads.items() if found} == {}


SCRIPTS = sorted(LUA.glob("*.lua"))
STEPS = sorted((LUA / "steps").glob("*.lua"))


def contract(text: str) -> str:
    """The comment on top of a script."""
    return "\n".join(
        text.splitlines()[: next(at for at, line in enumerate(text.splitlines()) if not line.startswith("--"))]
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_has_a_contract(script: Path) -> None:
    """It says what it does, takes and answers, and why it is safe to repeat, or that it writes nothing."""
    text = script.read_text()
    said = contract(text)
    body = text[len(said) :]
    assert re.match(r"-- [A-Z][a-z]+ ", said) and "\n-- Returns " in said
    assert all(table not in body or f"\n-- {table}  1 " in said for table in ("ARGV", "KEYS"))
    assert re.search(r"(?i:safe) to\s+(-- )?repeat|writes\s+(-- )?nothing", said)


def test_scripts_are_short() -> None:
    """At most 60 lines, but for those with a reason."""
    scripts = [*SCRIPTS, *STEPS]
    assert {script.stem for script in scripts if lines(script) > 60} == set(LONG_SCRIPTS)


def test_each_shared_part_says_what_it_is() -> None:
    """In its first line."""
    parts = [*(LUA / "shared").glob("*.lua"), *STEPS]
    assert [part.name for part in parts if not part.read_text().startswith("-- ")] == []


def test_every_step_is_taken() -> None:
    """By a script or a shared part, under its name."""
    source = "".join(script.read_text() for script in LUA.rglob("*.lua"))
    assert [step.stem for step in STEPS if f"steps.{step.stem}(" not in source] == []


def test_every_verb_has_its_file() -> None:
    """And no file is without a use."""
    alone = {script.stem for script in SCRIPTS} - set(VERBS)
    source = "".join(module.read_text() for module in (SERVICE / "store").rglob("*.py"))
    assert set(VERBS) <= {script.stem for script in SCRIPTS}
    assert [name for name in sorted(alone) if f'"{name}"' not in source] == []


def test_every_key_says_what_it_holds() -> None:
    """Each constructor of a key has a docstring."""
    made = {name: member for part in Keys.__mro__ for name, member in vars(part).items() if not name.startswith("_")}
    keys = {name: member for name, member in made.items() if isinstance(member, property) or callable(member)}
    assert len(keys) > 60
    assert [name for name, member in keys.items() if not (member.__doc__ or "").strip()] == []
