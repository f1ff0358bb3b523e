"""`bot-scheduler pauses`, `pause` and `resume`: list pauses, make one, end one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_bots, complete_names, complete_pauses, one_of
from service.cli.client.job_lookup import find_id
from service.cli.client.short_ids import whole_id
from service.cli.commands.run_now import ask_once
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, OnlyJob, parsed_labels
from service.cli.input.moments import to_come
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import moment, note, show_fields
from service.cli.output.tables import Column, show_table
from service.cli.output.times import utc
from service.domain.ids import is_id

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for everybody who sees it.")]


def pauses(
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over, of the last 30 days.")] = False,
    job: OnlyJob = None,
    json: Json = False,
) -> None:
    """List the pauses that are in force."""
    job_id = None if job is None else find_id(job)
    found = list(api().pages("/scheduler/pauses", None, state="ended" if ended else "active", job_id=job_id))
    if json:
        show_data(found)
    elif not found:
        note("No pause is known that is over." if ended else "Nothing is paused.")
    else:
        ends = (Column("ENDED", "time"), Column("ENDED BY", rank=1)) if ended else (Column("UNTIL", "time"),)
        columns = (
            Column("PAUSED", least=32), Column("SINCE", "time", rank=3), *ends, Column("AT THE END", "whole", rank=5),
            Column("ON HOLD", "whole", rank=4), Column("BY", rank=2), Column("REASON", least=12, rank=1),
            Column("ID", "id"),
        )  # fmt: skip
        show_table(columns, [_row(one, ended) for one in found])


def pause(
    reason: Reason,
    all_: Annotated[bool, typer.Option("--all", help="Pause all jobs.")] = False,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="Pause the jobs with this label; if repeated, with all."),
    ] = None,
    bot: Annotated[
        str | None,
        typer.Option("--bot", metavar="BOT", help="Pause the jobs of this bot.", autocompletion=complete_bots),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(
            "--job", metavar="JOB", help="Pause this job, by its id or name.", autocompletion=complete_names
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", callback=to_come,
            help="When it ends by itself: 2h or 3d (from now), tomorrow, a date, or 2026-12-24T18:00:00.",
        ),
    ] = None,
    on_resume: Annotated[
        str,
        typer.Option(
            "--on-resume", metavar="WHAT", help="At the end: skip, latest or all.",
            autocompletion=one_of(("skip", "latest", "all")),
        ),
    ] = "skip",
    cancel_running: Annotated[
        bool, typer.Option("--cancel-running", help="Cancel the jobs' runs that are queued or under way.")
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Pause jobs: nothing that is due runs until the pause ends. Runs by hand still go through.

    bot-scheduler pause --label team=crm --until +2h --reason "CRM maintenance"
    """
    body = {
        "scope": _scope(all_, label, bot, job), "reason": reason, "until": until, "on_resume": on_resume,
        "cancel_running": cancel_running,
    }  # fmt: skip
    made = api().json(ask_once("/scheduler/pauses", body), "id", "jobs")
    until_when = f"until {utc(made['until'])}" if made["until"] else "until you end it"
    note(f"Paused {made['jobs']} {until_when}. To end it: bot-scheduler resume {made['id']}")
    if made.get("job_count") == 0:
        note("No job is such a job now: the pause is for those that become one. `bot-scheduler jobs list` shows all.")
    _show(made, json)


def resume(
    pause_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The pause's id; `bot-scheduler pauses` shows it.", autocompletion=complete_pauses
        ),
    ],
    json: Json = False,
) -> None:
    """End a pause. What it holds runs, unless another pause still covers its job."""
    pause_id = whole_id(pause_id, "/scheduler/pauses", state="active")
    if not is_id(pause_id):
        raise Failure(Exit.USAGE, f"{quoted(pause_id)} is not the id of a pause; `bot-scheduler pauses` lists them")
    ended = api().json(api().ask("DELETE", f"/scheduler/pauses/{segment(pause_id)}"), "id", "jobs")
    note(f"Ended the pause of {ended['jobs']}.")
    _show(ended, json)


def _scope(all_: bool, label: list[str] | None, bot: str | None, job: str | None) -> Any:
    """Return the scope of the one option that is given."""
    given = [name for name, one in (("--all", all_), ("--label", label), ("--bot", bot), ("--job", job)) if one]
    if len(given) != 1:
        told = "none is given" if not given else f"not {' and '.join(given)}"
        raise Failure(Exit.USAGE, f"Say what to pause by one of --all, --label, --bot and --job; {told}")
    if label:
        return {"label": parsed_labels(label)}
    if bot:
        return {"bot_type": bot}
    return {"job_id": find_id(job)} if job else "all"


def _row(one: dict[str, Any], ended: bool) -> tuple[str, ...]:
    ended_by = "itself" if one["ended_by"] is None else who(one["ended_by"])
    ends = (one["ended_at"], ended_by) if ended else (one["until"] or "somebody ends it",)
    rest = (one["on_resume"], str(one["jobs_on_hold"]), who(one["by"]), one["reason"], one["id"])
    return (one["jobs"], one["from"], *ends, *rest)


def _show(one: dict[str, Any], json: bool) -> None:
    if json:
        show_data(one)
        return
    show_fields([
        ("id", one["id"]), ("jobs", one["jobs"]), ("number of jobs", one.get("job_count")), ("reason", one["reason"]),
        ("by", who(one["by"])), ("from", moment(one["from"])), ("until", until_words(one)),
        ("at the end", one["on_resume"]), ("ended", ended_words(one)),
    ])  # fmt: skip


def until_words(one: dict[str, Any]) -> str | None:
    """Say when a pause is to end; None of one without an end that is over."""
    if one["until"]:
        return moment(one["until"])
    return None if one["ended_at"] else "somebody ends it"


def ended_words(one: dict[str, Any]) -> str:
    """Say when a pause ended, and by whom."""
    if not one["ended_at"]:
        return "no"
    by = "by itself" if one["ended_by"] is None else f"by {who(one['ended_by'])}"
    return f"{moment(one['ended_at'])}, {by}"


def who(by: dict[str, Any] | None) -> str:
    """Name who did something; None is the service itself."""
    return "the service" if by is None else str(by.get("name") or by.get("actor"))
