"""`bot-scheduler contacts …`: import, export and list the address book."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.cli.client.api import api
from service.cli.client.contact_lookup import contacts_with
from service.cli.commands.contacts.duplicates import duplicates, merge
from service.cli.commands.contacts.editing import add, delete, edit, show
from service.cli.commands.contacts.erasure import erase
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Limit
from service.cli.input.commands import Commands
from service.cli.output.escaping import counted
from service.cli.output.formats import show_data
from service.cli.output.import_report import in_flags, show_report
from service.cli.output.printing import err, note
from service.cli.output.tables import Column, show_table

app = Commands("Import, export, list, add, change, merge and erase contacts.")

PIECE_BYTES = 256 * 1024


class DateOrder(StrEnum):
    """The first part of a date such as 3/4/1990."""

    DAY = "day"
    MONTH = "month"


class Format(StrEnum):
    """The format of an exported file."""

    VCARD = "vcard"
    CSV = "csv"


@app.command("import")
def import_contacts(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A vCard or CSV file; - reads standard input.")],
    date_order: Annotated[
        DateOrder | None, typer.Option("--date-order", help="Which comes first in dates such as 3/4/1990.")
    ] = None,
    charset: Annotated[
        str | None, typer.Option("--charset", metavar="NAME", help="The file's encoding, such as windows-1250.")
    ] = None,
    json: Json = False,
) -> None:
    """Import an address book. A second import updates the contacts, matched by name and address.

    The report lists everything skipped, guessed or not understood, with reasons. The exit code is 0 all the same.
    """
    options = {"date_order": date_order.value if date_order else None, "charset": charset}
    with _opened(file) as source:
        size = os.fstat(source.fileno()).st_size if file != "-" else None
        answer = api().json(
            _uploaded(source, size, options), "created", "updated", "unchanged", "skipped", "skipped_total"
        )
    if json:
        show_data(answer)
    else:
        show_report(answer)


def _opened(file: str) -> BinaryIO:
    try:
        return sys.stdin.buffer if file == "-" else Path(file).open("rb")
    except OSError as error:
        raise Failure(Exit.USAGE, f"{file} cannot be read: {error.strerror}") from None


def _uploaded(source: BinaryIO, size: int | None, options: dict[str, str | None]) -> Any:
    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Sending", total=size)
        headers = {"Content-Type": "application/octet-stream"}
        # Some proxies refuse a body whose length they do not know.
        headers |= {} if size is None else {"Content-Length": str(size)}
        content = _pieces(source, progress, task)
        path = "/scheduler/contacts/import"
        try:
            return api().ask("POST", path, params=options, content=content, headers=headers, seconds=600)
        except Failure as refusal:
            errors = [{name: in_flags(text) for name, text in error.items()} for error in refusal.errors]
            raise Failure(refusal.exit, in_flags(refusal.sentence), errors) from None


def _pieces(source: BinaryIO, progress: Progress, task: TaskID) -> Iterator[bytes]:
    while piece := source.read(PIECE_BYTES):
        yield piece
        progress.advance(task, len(piece))
    progress.update(task, description="Importing")


@app.command("export")
def export_contacts(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Write to this file, not to standard output.")
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Default: csv for a FILE that ends with .csv, else vcard.")
    ] = None,
) -> None:
    """Export all contacts as vCard or CSV. To import the file again changes nothing."""
    kind = format_ or (Format.CSV if file is not None and file.suffix.lower() == ".csv" else Format.VCARD)
    pieces = api().pieces("/scheduler/contacts/export", params={"format": kind.value}, kind=f"text/{kind.value}")
    if file is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    _keep(pieces, file)
    note(f"Written to {file}")


def _keep(pieces: Iterator[bytes], file: Path) -> None:
    """Write a file as a whole and readable by its owner alone, or leave it as it is; write to devices and pipes."""
    try:
        if file.exists() and not file.is_file():
            _write(pieces, file)
            return
        handle, unfinished = mkstemp(dir=file.parent, prefix=f".{file.name}-")
        os.close(handle)
        try:
            _write(pieces, Path(unfinished))
            Path(unfinished).replace(file)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise Failure(Exit.USAGE, f"{file} cannot be written: {error.strerror}") from None


def _write(pieces: Iterator[bytes], file: Path) -> None:
    with file.open("wb") as opened:
        for piece in pieces:
            opened.write(piece)


@app.command("list", reads=True)
def list_contacts(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only contacts with these words in their name or addresses.")
    ] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="TEXT", help="The same as TEXT.")] = None,
    limit: Limit = 50,
    all_: Annotated[bool, typer.Option("--all", help="Show all.")] = False,
    json: Json = False,
) -> None:
    """List contacts by their names."""
    if text is not None and search is not None:
        raise Failure(Exit.USAGE, "Give either TEXT or --search")
    matching = contacts_with(search or text or "")
    found = matching if all_ else matching[:limit]
    if json:
        show_data(found)
    elif not found and (search or text):
        note("No contact matches.")
    elif not found:
        note("There are no contacts yet. To import some: bot-scheduler contacts import FILE")
    else:
        show_table(
            (Column("NAME", least=16), Column("BIRTHDAY", "whole"), Column("E-MAIL", least=16), Column("PHONE", rank=1),
             Column("PAGE", least=12, rank=2), Column("ID", "id")),
            [
                (_called(one), one["birthday"], *(next(iter(one[many]), None) for many in ("emails", "phones", "urls")),
                 one["id"])
                for one in found
            ],
        )  # fmt: skip
        if len(found) < len(matching):
            note(f"These are {len(found)} of {counted(len(matching), 'contact')}; --all shows all.")


def _called(contact: dict[str, Any]) -> str:
    """Return the name, with a note if the person has died."""
    return f"{contact['name']} (deceased)" if contact.get("deceased") else str(contact["name"])


app.command("show", reads=True)(show)
app.command("add")(add)
app.command("edit")(edit)
app.command("delete")(delete)
app.command("duplicates", reads=True)(duplicates)
app.command("merge")(merge)
app.command("erase")(erase)
