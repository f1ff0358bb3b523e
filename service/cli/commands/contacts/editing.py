"""`bot-scheduler contacts add`, `show`, `edit` and `delete`: one contact."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.contact_lookup import contact_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, moment, say, show_fields

ContactId = Annotated[
    str, typer.Argument(metavar="ID", help="The contact's id, or its first eight characters; or the whole name.")
]
Birthday = Annotated[
    str | None,
    typer.Option("--birthday", metavar="DATE", help="Such as 1990-04-12, or --04-12 if nobody knows the year."),
]
Email = Annotated[list[str] | None, typer.Option("--email", metavar="ADDRESS", help="An address; repeat for more.")]
Phone = Annotated[list[str] | None, typer.Option("--phone", metavar="NUMBER", help="A number; repeat for more.")]
Page = Annotated[list[str] | None, typer.Option("--url", metavar="URL", help="A page of theirs; repeat for more.")]
Given = Annotated[str | None, typer.Option("--given-name", metavar="NAME", help="What a greeting calls them.")]
Family = Annotated[str | None, typer.Option("--family-name", metavar="NAME", help="Their family name.")]
Language = Annotated[str | None, typer.Option("--language", metavar="CODE", help="The language of greetings, as de.")]
Deceased = Annotated[bool | None, typer.Option("--deceased/--alive", help="The dead get no greetings.")]


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Their whole name.")],
    birthday: Birthday = None, email: Email = None, phone: Phone = None, url: Page = None, given_name: Given = None,
    family_name: Family = None, language: Language = None, deceased: Deceased = None, json: Json = False,
) -> None:  # fmt: skip
    """Add a contact.

    bot-scheduler contacts add "Ada Lovelace" --birthday 1815-12-10 --email ada@example.org
    """
    fields = _fields(birthday, email, phone, url, given_name, family_name, language, deceased)
    made = api().json(api().ask("POST", "/scheduler/contacts", body={"name": name, **fields}), "id", "name")
    _report("Added", made, json)


def show(contact: ContactId, json: Json = False) -> None:
    """Show a contact."""
    found = api().json(api().ask("GET", _path(contact)), "id", "name")
    if json:
        show_data(found)
        return
    page = found.get("page") or {}
    show_fields(
        [
            ("name", found["name"]), ("id", found["id"]), ("given name", found.get("given_name")),
            ("family name", found.get("family_name")), ("birthday", found["birthday"]),
            *((word, "\n".join(found[many]) or None) for word, many in
              (("e-mail", "emails"), ("phone", "phones"), ("url", "urls"))),
            ("language", found["language"]), ("deceased", "yes" if found["deceased"] else None),
            ("source", found["source"]), ("last greeted", _at(found["last_messaged_at"])),
            ("last visited", _at(found["last_visited_at"])), ("page", page.get("title")),
            ("page changed", _at(page.get("changed_at"))),
        ]
    )  # fmt: skip


def edit(
    contact: ContactId,
    name: Annotated[str | None, typer.Option("--name", help="Their whole name.")] = None,
    birthday: Birthday = None, email: Email = None, phone: Phone = None, url: Page = None, given_name: Given = None,
    family_name: Family = None, language: Language = None, deceased: Deceased = None, json: Json = False,
) -> None:  # fmt: skip
    """Change the fields that the flags name. An empty value takes a field away: --birthday "".

    --email, --phone and --url each name all that the contact has from now on.
    """
    fields = _fields(birthday, email, phone, url, given_name, family_name, language, deceased)
    fields |= {} if name is None else {"name": name}
    if not fields:
        raise Failure(Exit.USAGE, "Nothing to change: give flags")
    _report("Changed", api().json(api().ask("PUT", _path(contact), body=fields), "id", "name"), json)


def delete(contact: ContactId, yes: Yes = False, json: Json = False) -> None:
    """Delete a contact. What runs have told of the person stays; see: bot-scheduler contacts erase --help."""
    path = _path(contact)
    found = api().json(api().ask("GET", path), "id", "name")
    if not yes and is_interactive() and not typer.confirm(f"Delete {quoted(found['name'])}?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", path)
    if json:
        show_data({"deleted": found["id"], "name": found["name"]})
    else:
        say(f"Deleted {found['name']} ({found['id']})")


def _fields(
    birthday: str | None, email: list[str] | None, phone: list[str] | None, url: list[str] | None,
    given_name: str | None, family_name: str | None, language: str | None, deceased: bool | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the fields of the API that the flags name; an empty one takes its field away."""
    one = {"birthday": birthday, "given_name": given_name, "family_name": family_name, "language": language}
    many = {"emails": email, "phones": phone, "urls": url}
    fields: dict[str, Any] = {field: value or None for field, value in one.items() if value is not None}
    fields |= {field: [value for value in values if value] for field, values in many.items() if values}
    return fields if deceased is None else {**fields, "deceased": deceased}


def _path(contact: str) -> str:
    return f"/scheduler/contacts/{segment(contact_id(contact))}"


def _at(time: str | None) -> str | None:
    return time and moment(time)


def _report(done: str, contact: dict[str, Any], json: bool) -> None:
    if json:
        show_data(contact)
    else:
        say(f"{done} {contact['name']} ({contact['id']})")
