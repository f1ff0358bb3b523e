"""Templates that people write, made safe to keep and to run.

Jinja2's sandbox keeps a template from reaching Python; it does not keep it from running for ever or filling the
memory. So what a template may say is bounded too: fields, conditions, some filters and arithmetic, and neither loops
nor calls. What it renders is about as long as what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from service.models import echo, listed

MAX_TEMPLATE = 10_000
"""Characters of one template."""
FILTERS = frozenset(
    {"abs", "capitalize", "d", "default", "first", "int", "last", "length", "lower", "string", "title"}
    | {"tojson", "trim", "truncate", "upper"}
)
_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If)
_EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul),
    *(nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Filter, nodes.Test, nodes.Getitem, nodes.Slice, nodes.Keyword),
)
_FILE = "<template>"


class BrokenTemplate(ValueError):
    """A template cannot be used; the message is the predicate of a sentence and shows the line."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        lines = source.splitlines() or [""]
        line = min(max(line, 1), len(lines))
        super().__init__(f"is broken in line {line}, {echo(lines[line - 1].strip())}: {reason}")


class _Environment(ImmutableSandboxedEnvironment):
    """Arithmetic is for numbers: a text times a number could be any amount of text."""

    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"*", "/", "//", "%"})  # type: ignore[misc]

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(value, int | float) for value in (left, right)):
            raise SecurityError(f"{operator} is for numbers")
        return super().call_binop(context, operator, left, right)


_environment = _Environment(keep_trailing_newline=True, undefined=StrictUndefined, autoescape=False)


@lru_cache(maxsize=512)
def compiled(source: str) -> Template:
    """The template of a source that `check` has let through."""
    return _environment.from_string(source)


def check(source: str, samples: Iterable[Mapping[str, object]]) -> list[str]:
    """Finds out whether a template works.

    Args:
        source: the template.
        samples: the fields with values of every kind; the template is tried with each.

    Returns:
        What it renders with each sample.

    Raises:
        BrokenTemplate: it does not; says in which line, and why.
    """
    tried = list(samples)
    try:
        tree = _environment.parse(source)
        _check_nodes(source, tree, list(tried[0]))
        template = compiled(source)
    except TemplateSyntaxError as error:
        raise BrokenTemplate(source, error.lineno, _sentence(error)) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise BrokenTemplate(source, 1, "it is nested too deeply") from None
    return [_tried(source, template, fields) for fields in tried]


def _check_nodes(source: str, node: nodes.Node, fields: list[str]) -> None:
    for child in node.iter_child_nodes():
        line = child.lineno or 1
        if isinstance(child, nodes.Name) and child.name not in fields:
            raise BrokenTemplate(source, line, f"there is no field {echo(child.name)}, but {listed(fields, 'and')}")
        if isinstance(child, nodes.Filter) and child.name not in FILTERS:
            known = listed(sorted(FILTERS), "and")
            raise BrokenTemplate(source, line, f"there is no filter {echo(child.name)}, but {known}")
        if isinstance(child, nodes.Filter) and child.name == "tojson" and _holds_tojson(child):
            raise BrokenTemplate(source, line, "tojson is applied to what tojson has made")
        if not isinstance(child, _STATEMENTS + _EXPRESSIONS):
            what = type(child).__name__.lower()
            raise BrokenTemplate(source, line, f"a template has fields, filters and conditions, but no {what}")
        _check_nodes(source, child, fields)


def _holds_tojson(node: nodes.Filter) -> bool:
    return any(inner.name == "tojson" for inner in node.find_all(nodes.Filter))


def _tried(source: str, template: Template, fields: Mapping[str, object]) -> str:
    try:
        return template.render(fields)
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
