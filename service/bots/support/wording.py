"""Templates that people write, checked when a job is made and rendered when it runs.

`docs/templates.md` tells what a template may say; `service.bots.support.sandbox` enforces it while one runs. A template
that a former release accepted and that is refused today fails its run, with the same sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError

from service.bots.support.sandbox import EXPRESSIONS, FILTERS, STATEMENTS, TESTS, rendered, sandbox
from service.domain.input.refusals import echo, listed

MAX_TEMPLATE = 10_000
"""Characters of one template."""
MAX_NODES = 1_000
"""Texts, fields, filters, conditions and the like of one template: each is evaluated at most once."""
MAX_DEPTH = 50
"""How deeply they may be nested."""
_FILE = "<template>"


class BrokenTemplate(ValueError):
    """A template cannot be used; the message is the predicate of a sentence and shows the line."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        lines = source.splitlines() or [""]
        line = min(max(line, 1), len(lines))
        super().__init__(f"is broken in line {line}, {echo(lines[line - 1].strip())}: {reason}")


def render(source: str, fields: Mapping[str, object]) -> str:
    """What a template that `check` has let through makes of these fields.

    Raises:
        Exception: whatever an expression can raise; `SecurityError` if it would be too long, or too much work.
    """
    return rendered(_compiled(source), fields)


# Few, since what is compiled can be a hundred times as large as its source.
@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return sandbox.from_string(source)


def _anything(message: str) -> None:
    """Any message will do."""


def check(source: str, samples: Iterable[Mapping[str, object]], judge: Callable[[str], None] = _anything) -> None:
    """Finds out whether a template works.

    Args:
        source: the template.
        samples: the fields with values of every kind; the template is tried with each.
        judge: is handed what it renders with each sample.

    Raises:
        BrokenTemplate: it does not; says in which line, and why.
    """
    tried = list(samples)
    try:
        tree = sandbox.parse(source)
        _check_nodes(source, tree, list(tried[0]))
        template = sandbox.from_string(source)  # not kept: what is made here is seldom run here
    except TemplateSyntaxError as error:
        raise BrokenTemplate(source, error.lineno, _sentence(error)) from None
    except BrokenTemplate:
        raise
    except ValueError:
        raise BrokenTemplate(source, 1, "it has a number that is too long") from None
    except (RecursionError, MemoryError, SyntaxError):
        raise BrokenTemplate(source, 1, "it is nested too deeply") from None
    for fields in tried:
        judge(_tried(source, template, fields))


def _check_nodes(source: str, tree: nodes.Template, fields: list[str]) -> None:
    remaining: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while remaining:
        node, depth = remaining.pop()
        line = node.lineno or 1
        count += 1
        if count > MAX_NODES:
            raise BrokenTemplate(source, line, f"it has more than {MAX_NODES} fields, texts, filters and conditions")
        if depth > MAX_DEPTH:
            raise BrokenTemplate(source, line, "it is nested too deeply")
        reason = _refusal(node, fields)
        if reason is not None:
            raise BrokenTemplate(source, line, reason)
        remaining.extend((child, depth + 1) for child in reversed(list(node.iter_child_nodes())))


def _refusal(node: nodes.Node, fields: list[str]) -> str | None:
    """Why a node may not stand in a template; None if it may."""
    if not isinstance(node, STATEMENTS + EXPRESSIONS):
        return f"a template has fields, filters and conditions, but no {type(node).__name__.lower()}"
    if isinstance(node, nodes.Name) and node.name not in fields:
        return f"there is no field {echo(node.name)}, but {listed(fields, 'and')}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"there is no filter {echo(node.name)}, but {listed(sorted(FILTERS), 'and')}"
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"there is no test {echo(node.name)}, but {listed(sorted(TESTS), 'and')}"
    if isinstance(node, nodes.Filter) and node.name == "tojson":
        if node.args or node.kwargs:
            return "tojson takes no arguments"
        if any(inner.name == "tojson" for inner in node.find_all(nodes.Filter)):
            return "tojson is applied to what tojson has made"
    return None


def _tried(source: str, template: Template, fields: Mapping[str, object]) -> str:
    try:
        return rendered(template, fields)
    except Exception as error:  # noqa: BLE001 - whatever an expression can raise is the template's fault
        absent = [name for name, value in fields.items() if value is None]
        where = f" (tried where there is no {listed(absent)})" if absent else ""
        raise BrokenTemplate(source, _line_of(error), f"{_sentence(error)}{where}") from None


def _line_of(error: Exception) -> int:
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _FILE:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _sentence(error: Exception) -> str:
    text = error.message if isinstance(error, TemplateError) else str(error)
    tells_itself = isinstance(error, TemplateSyntaxError | UndefinedError | SecurityError)
    kind = "" if tells_itself else f"{type(error).__name__}: "
    return f"{kind}{' '.join((text or 'it fails').split())[:200].rstrip('.')}"
