"""`bot-scheduler login`, `logout` and `profiles …`: the services that this person uses, and the key for each."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from service.cli.client.api import Api
from service.cli.client.location import Location, address_here, located, up_environment
from service.cli.client.profiles import (
    HERE,
    Profile,
    check_writable,
    profiles_file,
    read_profiles,
    shown,
    write_profiles,
)
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.input.commands import Commands
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, note, say
from service.cli.output.tables import Column, show_table

app = Commands("List profiles, and choose the one to use.")


def complete_profiles(incomplete: str) -> list[str]:
    """Complete the name of a profile."""
    try:
        return [name for name in (*read_profiles().known, HERE) if name.startswith(incomplete)]
    except Failure:
        return []


ProfileName = Annotated[str, typer.Argument(metavar="PROFILE", help="Its name.", autocompletion=complete_profiles)]


def login(
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="The service, such as https://scheduler.example.org.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="The profile's name; by default, the URL's host.")
    ] = None,
) -> None:
    """Sign in to a service: keep its address and a key for it, and use both from now on.

    The key is asked for, or read from standard input: `bot-scheduler login https://… < key`.
    """
    if url is None:
        if not is_interactive():
            raise Failure(Exit.USAGE, "Name the service: bot-scheduler login https://scheduler.example.org")
        url = typer.prompt("Address of the service", default=address_here(up_environment()), err=True)
    check_writable()  # before the key is asked for and sent
    location = located(url, b"", "what you entered", "The address")
    _check_address(location)
    if not (location.local or location.url.startswith("https:")):
        note("This address is not encrypted (http): everybody on the way can read the key.")
    key = _asked_key()
    service = Api(replace(location, key=key.encode()))
    me = service.json(service.ask("GET", "/scheduler/keys/me"), "id", "scopes")
    name = profile or location.url.partition("://")[2].partition(":")[0].partition("/")[0]
    if name == HERE:
        raise Failure(Exit.USAGE, f"{quoted(HERE)} stands for this machine's service; take another name")
    path = write_profiles(read_profiles().with_one(Profile(name, location.url, key)))
    say(f"Signed in to {location.url} with the key {quoted(me['name'])}. {quoted(name)} is the current profile.")
    note(f"The key is kept in {shown(path)}, which only you can read.")


def logout(
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="By default, the current one.", autocompletion=complete_profiles),
    ] = None,
) -> None:
    """Forget a profile and its key. The key stays valid; see: bot-scheduler keys revoke --help."""
    known = read_profiles()
    name = profile or known.current
    if name is None:
        raise Failure(Exit.USAGE, "No profile is the current one; name one: bot-scheduler logout PROFILE")
    one = known.named(name)
    write_profiles(known.without(name))
    say(f"Forgot the profile {quoted(name)} ({one.url}). Its key stays valid.")


@app.command("list")
def list_profiles(json: Json = False) -> None:
    """List the profiles. The star is beside the current one."""
    known = read_profiles()
    found = [{"name": one.name, "url": one.url, "current": one.name == known.current} for one in known.known.values()]
    if json:
        show_data(found)
    elif not found:
        note("There are no profiles. To make one: bot-scheduler login")
    else:
        columns = (Column("", "whole"), Column("NAME", "whole"), Column("URL", "whole"))
        show_table(columns, [("*" if one["current"] else "", one["name"], one["url"]) for one in found])
        note(f"They are kept in {shown(profiles_file())}.")


@app.command("use")
def use(profile: ProfileName) -> None:
    """Use a profile from now on; `here` is the service of this machine."""
    known = read_profiles()
    if profile == HERE:
        write_profiles(type(known)(None, known.known))
        say("No profile is the current one. The service of this machine is used.")
    else:
        one = known.named(profile)
        write_profiles(known.with_one(one))
        say(f"{quoted(one.name)} is the current profile: {one.url}")


def _check_address(location: Location) -> None:
    """Ask the service how it is, which needs no key. Raises Failure if it does not answer, or is another program."""
    service = Api(replace(location, key=None))
    service.json(service.ask("GET", "/scheduler/health", accepted=(503,)), "status")


def _asked_key() -> str:
    """Ask for the key on a terminal, or read it from standard input. A command line would show it to everybody."""
    key = typer.prompt("API key", hide_input=True, err=True) if is_interactive() else sys.stdin.readline()
    if not (key := str(key).strip()):
        raise Failure(Exit.USAGE, "There is no key on standard input; on a terminal, the key is asked for")
    return key
