"""Commands with what all of them have in common: options of output, and refusals that name what was typed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.input.typed import as_typed
from service.cli.output.formats import Format, Manner, shown_as
from service.cli.output.watching import WATCH_SECONDS, keep_showing

PANEL = "Output"
_OUTPUT = Annotated[
    Format | None,
    typer.Option(
        "--output", "-o", case_sensitive=False, rich_help_panel=PANEL,
        help="Show all columns in full, or print JSON, YAML or names.",
    ),
]  # fmt: skip
_QUIET = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=PANEL, help="Print ids alone, and no notes.")]
_QUIET_SHORT = Annotated[bool, typer.Option("-q", rich_help_panel=PANEL, help="Print ids alone, and no notes.")]
_WATCH = Annotated[
    bool,
    typer.Option("--watch", rich_help_panel=PANEL, help=f"Show it anew every {WATCH_SECONDS} s, until Ctrl-C."),
]


class Commands(typer.Typer):
    """A group of commands.

    Args:
        help: What they are for.
        settings: Of `typer.Typer`.
    """

    def __init__(self, help: str, **settings: Any) -> None:
        super().__init__(no_args_is_help=True, help=help, **settings)

    def command(  # type: ignore[override] # with one more argument, and all of Typer's
        self, name: str | None = None, *, reads: bool = False, **settings: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function as a command.

        Args:
            name: Its name; None is that of the function.
            reads: Whether it only reads, so that `--watch` may repeat it.
            settings: Of `typer.Typer.command`.
        """
        register = super().command(name, **settings)

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            register(_dressed(function, reads))
            return function

        return add


def _dressed(function: Callable[..., Any], reads: bool) -> Callable[..., Any]:
    """Return the function with more parameters, which Typer makes options of."""
    given = list(inspect.signature(function, eval_str=True).parameters.values())
    more = list(_more(given, reads))

    @functools.wraps(function)
    def run(context: typer.Context, **values: Any) -> None:
        added = {one.name: values.pop(one.name) for one in more}
        wanted = Manner(_format(added.get("output_"), values.get("json", False)), bool(added.get("quiet_")))
        if "json" in values and more:
            values["json"] |= wanted.is_data
        show = functools.partial(_run, function, values, context)
        with shown_as(wanted):
            if added.get("watch_"):
                keep_showing(show, context.command_path)
            else:
                show()

    its = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    run.__signature__ = inspect.Signature([its, *given, *more])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (its, *given, *more)}
    del run.__wrapped__  # its annotations are those of `function`
    return run


def _more(given: list[inspect.Parameter], reads: bool) -> Iterator[inspect.Parameter]:
    """Yield the options of output that a command lacks; those whose answer is no data have none."""
    if all(one.annotation != Json for one in given):
        return
    taken = {flag for one in given for info in getattr(one.annotation, "__metadata__", ())
             for flag in (getattr(info, "default", None), *(getattr(info, "param_decls", None) or ()))}  # fmt: skip
    kind = inspect.Parameter.KEYWORD_ONLY
    if "--output" not in taken:
        yield inspect.Parameter("output_", kind, default=None, annotation=_OUTPUT)
    if "-q" not in taken:
        quiet = _QUIET_SHORT if "--quiet" in taken else _QUIET
        yield inspect.Parameter("quiet_", kind, default=False, annotation=quiet)
    if reads:
        yield inspect.Parameter("watch_", kind, default=False, annotation=_WATCH)


def _format(output: Format | None, json: bool) -> Format | None:
    """Return the format that `--output` and its short form say."""
    if json and output not in (None, Format.JSON):
        raise Failure(Exit.USAGE, f"--json is short for --output json; it cannot stand beside --output {output}")
    return Format.JSON if json else output


def _run(function: Callable[..., Any], values: dict[str, Any], context: typer.Context) -> None:
    try:
        function(**values)
    except Failure as refusal:
        raise as_typed(refusal, context) from None
    except KeyError as missing:  # commands read the fields of answers by their names
        raise api().lacks(missing.args[0]) from missing
    except UnicodeError:
        raise  # of what was typed
    except (TypeError, AttributeError, IndexError, ValueError) as other:  # the fields are not what they should be
        raise api().wrong_server() from other
