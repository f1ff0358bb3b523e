"""Sandbox for templates that people write: Jinja2 within an allow-list, with all output counted.

Jinja2's sandbox keeps a template from reaching Python. It does not keep it from running for ever or filling the memory:
one line of nested lists made into texts doubles with each level. So a template may use only an allow-list (`FILTERS`,
`TESTS`, `EXPRESSIONS`), without loops, assignments, calls and macros: each node of its tree is evaluated at most once.
The output of each evaluation is counted, and the sum is bounded. Nothing is evaluated at compile time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from jinja2 import StrictUndefined, Template, Undefined, filters, nodes, pass_context, tests
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import htmlsafe_json_dumps

MAX_RENDERED = 256 * 1024
"""The most bytes of a rendered text, and characters of any text made on the way."""
MAX_WORK = 4 * MAX_RENDERED
"""The most characters that all steps of one rendering may make together. Each step adds one."""
MAX_BITS = 64
"""The most bits of a whole number."""

STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If)
EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.CondExpr, nodes.Compare, nodes.Operand),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul),
    *(nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Filter, nodes.Test, nodes.Getitem, nodes.Slice, nodes.Keyword),
)
TESTS = frozenset(
    {"boolean", "defined", "divisibleby", "eq", "even", "false", "float", "ge", "gt", "in", "integer", "le", "lower"}
    | {"lt", "ne", "none", "number", "odd", "string", "true", "undefined", "upper"}
    | {"==", "!=", "<", "<=", ">", ">=", "equalto", "greaterthan", "lessthan"}
)
NUMBER_TESTS = frozenset({"divisibleby", "even", "odd"})

_WORK = "\0work"
"""The key of a rendering's count among the template's values. No template can name it."""


class Work:
    """The output of one rendering so far, in characters and steps."""

    def __init__(self) -> None:
        self.done = 0

    def took(self, value: Any) -> Any:
        """Count the output of a step and return it.

        Raises:
            SecurityError: it is too much, or of a type that no template may use.
        """
        self.done += 1 + _size(value)
        if self.done > MAX_WORK:
            raise SecurityError(f"it makes more than {MAX_WORK} characters on the way")
        return value


def _size(value: Any) -> int:
    """Return the characters of a text, or the elements of a list.

    Raises:
        SecurityError: it is too large, or of another type.
    """
    if isinstance(value, str):
        if len(value) > MAX_RENDERED:
            raise SecurityError(f"it makes a text of more than {MAX_RENDERED} characters")
        return len(value)
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise SecurityError(f"it makes a whole number of more than {MAX_BITS} bits")
        return 0
    if isinstance(value, list | tuple):
        return len(value)
    if isinstance(value, float | None | Undefined):
        return 0
    raise SecurityError(f"it makes a {type(value).__name__}, which no template can use")


def _shown(value: Any) -> str:
    """Return a value as it appears in a text.

    Raises:
        SecurityError: it is a list.
    """
    if isinstance(value, list | tuple):
        raise SecurityError("a list cannot be printed; take one element of it, its length, or tojson")
    _size(value)
    return str(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


class _Generator(CodeGenerator):
    """Jinja2's compiler, which also hands joined texts and slices to the environment."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined(context, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        self.write("environment.element(context, ")
        self.visit(node.node, frame)
        self.write(", ")
        self.visit(node.arg, frame)
        self.write(")")

    def visit_Slice(self, node: nodes.Slice, frame: Frame) -> None:
        self.write("slice(")
        for part in (node.start, node.stop, node.step):
            if part is None:
                self.write("None")
            else:
                self.visit(part, frame)
            self.write(", ")
        self.write(")")


class Sandbox(ImmutableSandboxedEnvironment):
    """Environment in which templates that people write are parsed and run."""

    code_generator_class = _Generator
    intercepted_binops: ClassVar[frozenset[str]] = frozenset({"+", "-", "*", "/", "//", "%", "**"})  # type: ignore[misc]

    def __init__(self) -> None:
        # Without its optimizer, and with a `finalize` that needs the context, Jinja2 evaluates nothing by itself.
        super().__init__(
            keep_trailing_newline=True, undefined=StrictUndefined, autoescape=False, optimized=False, finalize=_printed
        )
        self.globals = {}
        self.filters = {name: _counted(name, function) for name, function in FILTERS.items()}
        self.tests = {name: _test(name) for name in TESTS}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate with numbers; + also joins texts. A text times a number could be any amount of text."""
        texts = operator == "+" and isinstance(left, str) and isinstance(right, str)
        if not texts and not (_number(left) and _number(right)):
            raise SecurityError(f"{operator} is for numbers")
        return _work(context).took(super().call_binop(context, operator, left, right))

    def joined(self, context: Context, parts: tuple[Any, ...]) -> Any:
        """Return the text that `~` joins."""
        return _work(context).took("".join(_work(context).took(_shown(part)) for part in parts))

    def element(self, context: Context, value: Any, place: Any) -> Any:
        """Return an element or a slice of a text or a list; never an attribute."""
        if isinstance(value, Undefined):
            return value[place]
        if not isinstance(value, str | list | tuple) or not isinstance(place, int | slice):
            raise SecurityError("brackets take the position of an element, or a slice, of a text or a list")
        return _work(context).took(self.getitem(value, place))


def _work(context: Context) -> Work:
    work: Work = context.parent[_WORK]
    return work


@pass_context
def _printed(context: Context, value: Any) -> str:
    text: str = _work(context).took(_shown(value))
    return text


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that counts its result, and takes a list only if it is made for lists."""

    @pass_context
    def counted(context: Context, value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, list | tuple) and name not in LIST_FILTERS:
            raise SecurityError(f"{name} is for texts and numbers, not for a list")
        return _work(context).took(function(value, *args, **options))

    return counted


def _test(name: str) -> Callable[..., Any]:
    """Return Jinja2's test. Those that calculate with % would take a text for a format."""
    function: Callable[..., Any] = tests.TESTS[name]  # type: ignore[assignment]
    if name not in NUMBER_TESTS:
        return function

    def reckoned(*values: Any) -> Any:
        if not all(_number(value) for value in values):
            raise SecurityError(f"{name} is for numbers")
        return function(*values)

    return reckoned


def _to_json(value: Any) -> str:
    """Return JSON without indentation, which could be any amount of text."""
    return str(htmlsafe_json_dumps(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs, "capitalize": filters.do_capitalize, "d": filters.do_default, "default": filters.do_default,
    "first": lambda value: filters.do_first(sandbox, value), "int": filters.do_int,
    "last": lambda value: filters.do_last(sandbox, value), "length": len, "lower": filters.do_lower, "string": _shown,
    "title": filters.do_title, "tojson": _to_json, "trim": filters.do_trim,
    "truncate": lambda value, *args, **options: filters.do_truncate(sandbox, _shown(value), *args, **options),
    "upper": filters.do_upper,
}  # fmt: skip
LIST_FILTERS = frozenset({"d", "default", "first", "last", "length", "tojson"})

sandbox: Sandbox = Sandbox()


def rendered(template: Template, fields: Mapping[str, object], work: Work | None = None) -> str:
    """Render a template of the sandbox.

    Args:
        template: the template.
        fields: the values of its fields.
        work: counts the rendering, to be looked at afterwards.

    Raises:
        SecurityError: the text would be too long, or too much work.
        Exception: any error of an expression.
    """
    text = template.render({**fields, _WORK: work or Work()})
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SecurityError("it makes half of a surrogate pair, which is not a character") from None
    if size > MAX_RENDERED:
        raise SecurityError(f"it makes {size} bytes of text, more than {MAX_RENDERED}")
    return text
