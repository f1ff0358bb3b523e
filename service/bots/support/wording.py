"""Templates that people write: checked when a job is saved, rendered when it runs.

`docs/templates.md` says what a template may use; `service.bots.support.sandbox` enforces it. A template that an earlier
release accepted and this one refuses fails its run with the same sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError

from service.bots.support.sandbox import EXPRESSIONS, FILTERS, STATEMENTS, TESTS, rendered, sandbox
from service.domain.input.refusals import echo, listed

MAX_TEMPLATE = 10_000
"""The most characters of one template."""
MAX_NODES = 1_000
"""The most nodes of one template, such as fields, filters and conditions. Each is evaluated at most once."""
MAX_DEPTH = 50
"""The deepest nesting of nodes."""
_FILE = "<template>"


class BrokenTemplate(ValueError):
    """A template cannot be used. The message is the predicate of a sentence and shows the line."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        lines = source.splitlines() or [""]
        line = min(max(line, 1), len(lines))
        super().__init__(f"is broken in line {line}, {echo(lines[line - 1].strip())}: {reason}")


def render(source: str, fields: Mapping[str, object]) -> str:
    """Render a template that passed `check`.

    Raises:
        SecurityError: the text would be too long, or too much work.
        Exception: any other error of an expression.
    """
    return rendered(_compiled(source), fields)


# Few, since a compiled template can be a hundred times as large as its source.
@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return sandbox.from_string(source)


@lru_cache(maxsize=64)
def fields_in(source: str) -> frozenset[str]:
    """Return the names of the fields that a template uses. Raises what `check` explains if it is broken."""
    return frozenset(node.name for node in sandbox.parse(source).find_all(nodes.Name))


def _anything(message: str) -> None:
    """Accept any message."""


def check(source: str, samples: Iterable[Mapping[str, object]], judge: Callable[[str], None] = _anything) -> None:
    """Check that a template works.

    Args:
        source: the template.
        samples: field values of every kind. The template is tried with each sample.
        judge: called with the text rendered from each sample.

    Raises:
        BrokenTemplate: it does not work; the message says in which line, and why.
    """
    tried = list(samples)
    try:
        tree = sandbox.parse(source)
        _check_nodes(source, tree, list(tried[0]))
        template = sandbox.from_string(source)  # not cached: this process seldom runs it
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
    """Return why a node may not stand in a template; None if it may."""
    if not isinstance(node, STATEMENTS + EXPRESSIONS):
        return f"a template has fields, filters and conditions, but no {type(node).__name__.lower()}"
    if isinstance(node, nodes.Name) and node.name not in fields:
        return f"unknown field {echo(node.name)}; the fields are {listed(fields, 'and')}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"there is no filter {echo(node.name)}, only {listed(sorted(FILTERS), 'and')}"
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"there is no test {echo(node.name)}, only {listed(sorted(TESTS), 'and')}"
    if isinstance(node, nodes.Filter) and node.name == "tojson":
        if node.args or node.kwargs:
            return "tojson takes no arguments"
        if any(inner.name == "tojson" for inner in node.find_all(nodes.Filter)):
            return "tojson is applied twice"
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
