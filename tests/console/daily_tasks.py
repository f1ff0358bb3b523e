"""Thirty tasks of somebody who uses the console every day, each by mouse, by keyboard alone, and on a small phone.

`python -m tests.console.daily_tasks` does them all in a real browser, and writes what each took into tasks.md.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from tests.console.daily_hands import OPTIONS, WAYS, Hand, hand_in
from tests.support.chromium import chromium, find_chromium, reader, sign_in
from tests.support.installation import Installation, running

NOTE = Path(__file__).with_name("tasks.md")
HEAD = """# Thirty tasks of a daily user

What does each thing take that people do every day? A real Chromium did each of these by mouse, by keyboard alone, and
on a phone of 360 px, in an installation with {jobs} jobs. A row has what the person does (clicks; keys, with Tab and
without the letters of a text; taps) and the seconds from the first act to the end that the page shows. The browser does
not think and does not read: add your own time for that.

`python -m tests.console.daily_tasks` measures anew and writes this page. A short part of it is in the suite
(`tests/console/test_browser_daily_tasks.py`).

| | task | mouse: clicks | s | keyboard: keys | s | phone: taps | s |
|---|---|---|---|---|---|---|---|
"""
FILLED = 300
"""Jobs beside those that the tasks are about."""


class World:
    """An installation, and the jobs that one way of working is about.

    Args:
        installation: it is up.
        way: one of `WAYS`; it stands in the names, so that no way meets the work of another.
    """

    def __init__(self, installation: Installation, way: str) -> None:
        self.api = installation
        self.way = way
        self.jobs: dict[str, str] = {}
        for name in ("report", "backup", "invoice", "mailing", "cleanup"):
            self.jobs[name] = self.make(name, labels={"team": f"crm-{way}"}, description="every day")
        self.jobs["broken"] = self.make("broken", bot_config={"mode": "raise", "says": "no paper"})
        self.failed = installation.run_now(self.jobs["broken"])
        installation.until_status(self.jobs["broken"], self.failed, "failed")
        self.done = installation.run_now(self.jobs["report"], {"bot_config": {"says": "once"}})
        installation.until_status(self.jobs["report"], self.done, "success")
        gone = self.make("gone")
        assert installation.call("DELETE", f"/jobs/{gone}")[0] == 204
        assert installation.call("PUT", f"/jobs/{self.jobs['backup']}", {"description": "each night"})[0] == 200
        person = {"name": f"Mara {way}", "emails": [f"mara-{way}@example.org"]}
        assert installation.call("POST", "/contacts", person)[0] == 201

    def make(self, name: str, **fields: object) -> str:
        """Create a job that is due each day."""
        daily = {"schedule_type": "daily", "schedule_config": {"hour": 6, "minute": 30, "timezone": "Europe/Vienna"}}
        return self.api.make_job(name=self.called(name), **{**daily, **fields})

    def called(self, name: str) -> str:
        """Return a job's whole name."""
        return f"{self.way} {name}"


Task = Callable[[Hand, World], None]
TASKS: list[tuple[str, Task]] = []


def task(title: str) -> Callable[[Task], Task]:
    """Add a task to the list."""

    def add(work: Task) -> Task:
        TASKS.append((title, work))
        return work

    return add


def menu(hand: Hand, page: Page, name: str) -> None:
    """Do something at the head of a job's page."""
    top = page.locator("#top")
    hand.do(name, top.get_by_role("button", name=name, exact=True).or_(top.get_by_role("link", name=name, exact=True)))


@task("See whether all is well")
def _(hand: Hand, world: World) -> None:
    hand.go("Runs", "r")
    hand.go("Overview", "o")
    expect(hand.page.get_by_label("Health", exact=True)).to_contain_text("Redis")


@task("Find what fails, and read why")
def _(hand: Hand, world: World) -> None:
    hand.press(hand.page.locator("#failing").get_by_role("link", name=world.called("broken")))
    expect(hand.page.locator("#failures")).to_contain_text("no paper")


@task("Do a failed run again")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("broken"))
    hand.press(hand.page.locator("#failures li a").first)
    hand.do("Run again", hand.page.get_by_role("button", name="Run again"))
    expect(hand.page.get_by_text("Queued once more")).to_be_visible()


@task("Find a job by a part of its name")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("invoice"))


@task("Run a job now, and follow it to its end")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("invoice"))
    menu(hand, hand.page, "Run now")
    hand.do("Watch", hand.page.get_by_role("link", name="Watch"))
    expect(hand.page.locator("h1")).to_contain_text("success")


@task("See when a job runs next")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    expect(hand.page.locator("#facts")).to_contain_text(re.compile(r"Next run\s*in "))


@task("Show the jobs of a team")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.open_filters()
    hand.write(hand.page.get_by_label("Labels", exact=True).first, f"team:crm-{world.way}")
    hand.key("Enter") if hand.way == "keyboard" else hand.press(
        hand.page.get_by_role("button", name="Show", exact=True)
    )
    expect(hand.page.locator("#count")).to_contain_text("of 5 jobs")


@task("Sort all jobs by their next run")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.open_filters()
    hand.choose(hand.page.get_by_label("Sort by"), "Next run")
    expect(hand.page).to_have_url(re.compile("sort=next"))


@task("Disable a job, and undo it")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("backup"))
    menu(hand, hand.page, "Disable")
    hand.keys_or("Control+z", hand.page.get_by_role("button", name="Undo"))
    expect(hand.page.locator("#top").get_by_role("button", name="Disable")).to_be_visible()


@task("Delete a job, and undo it")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("cleanup"))
    menu(hand, hand.page, "Delete")
    hand.keys_or("Enter", hand.page.get_by_role("button", name="Undo"))
    expect(hand.page.get_by_text("was not deleted")).to_be_visible()


@task("Restore a deleted job")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.do("Deleted jobs", hand.page.locator("main").get_by_role("link", name="Deleted jobs"))
    hand.press(hand.page.get_by_role("button", name=f"Restore {world.called('gone')}"))
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Restore"))
    expect(hand.page.locator("h1")).to_contain_text(world.called("gone"))


@task("Create a job that runs each day at 7:15")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.keys_or("n", hand.page.get_by_role("link", name="New job"))
    hand.write(hand.page.get_by_label("Name", exact=True), world.called("daily"))
    hand.choose(hand.page.get_by_label("Bot", exact=True), "probe")
    hand.write(hand.page.get_by_label("Time of day"), "07:15")
    hand.save(hand.page.get_by_role("button", name="Create job"))
    expect(hand.page.locator("h1")).to_contain_text(world.called("daily"))


@task("Create a job by a cron expression, without knowing any")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.keys_or("n", hand.page.get_by_role("link", name="New job"))
    hand.write(hand.page.get_by_label("Name", exact=True), world.called("cron"))
    hand.choose(hand.page.get_by_label("Bot", exact=True), "probe")
    if hand.way == "keyboard":  # arrows choose among the kinds
        hand.write(hand.page.get_by_label("Labels", exact=True), "made:by-hand")
        while not hand.page.get_by_label("Cron", exact=True).is_checked():
            hand.key("ArrowRight" if hand.page.evaluate("document.activeElement.type === 'radio'") else "Tab")
    else:
        hand.press(hand.page.get_by_label("Cron", exact=True))
    hand.choose(hand.page.get_by_label("Often used"), "Every 15 minutes in working hours")
    hand.save(hand.page.get_by_role("button", name="Create job"))
    expect(hand.page.locator("h1")).to_contain_text(world.called("cron"))


@task("Change the time of a job, after seeing what that changes")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    menu(hand, hand.page, "Edit")
    hand.write(hand.page.get_by_label("Time of day"), "05:45")
    hand.press(hand.page.get_by_role("button", name="See what changes"))
    expect(hand.page.locator("#foreseen")).to_contain_text("05:45")
    hand.save(hand.page.get_by_role("button", name="Save"))
    expect(hand.page.locator(".lead")).to_contain_text("05:45")


@task("Let a job give up after 10 minutes, and try twice more")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    menu(hand, hand.page, "Edit")
    hand.press(hand.page.get_by_text("If it fails or takes long"))
    hand.write(hand.page.get_by_label("Give up after"), "10 min")
    hand.write(hand.page.get_by_label("Try again after a failure"), "2")
    hand.save(hand.page.get_by_role("button", name="Save"))
    expect(hand.page.locator("#facts")).to_contain_text(re.compile("Give up after.*10 min"))


@task("Duplicate a job")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("mailing"))
    menu(hand, hand.page, "Duplicate")
    hand.save(hand.page.get_by_role("button", name="Create job"))
    expect(hand.page.locator("h1")).to_contain_text("(copy)")


@task("Pause a job for two hours, with a reason")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("mailing"))
    menu(hand, hand.page, "Pause")
    hand.write(hand.page.get_by_label("Reason"), f"stocktaking {world.way}")
    hand.save(hand.page.get_by_role("button", name="Pause", exact=True))
    expect(hand.page.locator("#active")).to_contain_text(f"stocktaking {world.way}")


@task("End the pause")
def _(hand: Hand, world: World) -> None:
    hand.press(hand.page.get_by_label("Pauses", exact=True).get_by_role("link", name="See and end pauses"))
    hand.press(hand.page.locator("#active tr", has_text=f"stocktaking {world.way}").get_by_role("button"))
    expect(hand.page.locator("#active")).not_to_contain_text(f"stocktaking {world.way}")


@task("Skip one occurrence")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("backup"))
    row = hand.page.locator("#next tbody tr").nth(1)
    hand.press(row.get_by_role("button", name="Change the occurrence"))
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Change", exact=True))
    expect(row).to_contain_text("skipped")


@task("Take that back")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("backup"))
    row = hand.page.locator("#next tbody tr").nth(1)
    hand.press(row.get_by_role("button", name="Take back"))
    expect(row).not_to_contain_text("skipped")


@task("Run a job tonight")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("invoice"))
    tonight = datetime.now(UTC) + timedelta(hours=6)
    hand.write(hand.page.get_by_label("When (Europe/Vienna)"), f"{tonight:%Y-%m-%dT%H:%M}")
    hand.press(hand.page.get_by_role("button", name="Run it then"))
    expect(hand.page.locator("#later li")).to_have_count(1)


@task("Run a job once with other settings")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    hand.press(hand.page.locator("#history tbody a").first)
    hand.do("Run with changes", hand.page.get_by_role("button", name="Run with changes"))
    hand.write(hand.page.get_by_label("Settings of the bot"), '{"says": "twice"}')
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Run", exact=True))
    expect(hand.page.get_by_text("Run with changes queued")).to_be_visible()


@task("See what a run ran with")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    hand.press(hand.page.locator("#history tbody a").last)
    expect(hand.page.locator("#ran-with")).to_contain_text(re.compile("Says.*once for this run"))


@task("Disable all jobs of a team at once")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    hand.press(hand.page.get_by_label("Labels").get_by_role("link", name=f"team: crm-{world.way}"))
    hand.press(hand.page.get_by_text("Many jobs at once"))
    hand.press(hand.page.get_by_label("Those that I tick")) if hand.way == "keyboard" else None
    if hand.way == "keyboard":
        hand.key("ArrowDown")
    else:
        hand.press(hand.page.get_by_label("All that match the filter"))
    hand.press(hand.page.get_by_role("button", name="Show what would happen"))
    hand.press(hand.page.locator("#carry-out"))
    expect(hand.page.locator("#batch-words")).to_contain_text("disabled")


@task("Enable three of them again")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("report"))
    hand.press(hand.page.get_by_label("Labels").get_by_role("link", name=f"team: crm-{world.way}"))
    for name in ("report", "backup", "mailing"):
        hand.tick(world.called(name))
    hand.press(hand.page.get_by_text("Many jobs at once"))
    hand.choose(hand.page.get_by_label("What to do"), "Enable")
    hand.press(hand.page.get_by_role("button", name="Show what would happen"))
    hand.press(hand.page.locator("#carry-out"))
    expect(hand.page.locator("#batch-words")).to_contain_text("3 jobs are enabled")


@task("See who changed a job, and go back")
def _(hand: Hand, world: World) -> None:
    hand.find(world.called("backup"))
    hand.press(hand.page.get_by_role("link", name="Compare, or go back"))
    hand.press(hand.page.locator("#revisions tr", has_text="created").get_by_role("link"))
    hand.do("Restore", hand.page.locator("main").get_by_role("button", name="Restore"))
    hand.press(hand.page.get_by_role("dialog").get_by_role("button", name="Restore"))
    expect(hand.page.locator("#top")).to_contain_text("every day")


@task("List the failed runs, and take them away as CSV")
def _(hand: Hand, world: World) -> None:
    hand.go("Runs", "r")
    hand.open_filters()
    hand.choose(hand.page.get_by_label("Outcome"), "failed")
    hand.press(hand.page.get_by_role("button", name="Show", exact=True))
    expect(hand.page).to_have_url(re.compile("status=failed"))
    with hand.page.expect_download() as file:
        hand.do("Download CSV", hand.page.get_by_role("link", name="Download CSV"))
    assert "no paper" in Path(file.value.path()).read_text()


@task("Add a contact")
def _(hand: Hand, world: World) -> None:
    hand.go("Contacts", "c")
    hand.keys_or("n", hand.page.get_by_role("link", name="New contact"))
    hand.write(hand.page.get_by_label("Name", exact=True), f"Nora {world.way}")
    hand.write(hand.page.get_by_label("Birthday"), "1990-04-12")
    hand.save(hand.page.get_by_role("button", name="Create"))
    expect(hand.page.get_by_text(f"“Nora {world.way}” saved")).to_be_visible()


@task("Find a contact, and correct it")
def _(hand: Hand, world: World) -> None:
    hand.go("Contacts", "c")
    search = hand.page.locator("main input[type=search]")
    hand.keys_or("/", search)
    search.fill(f"Mara {world.way}")
    hand.key("Enter")
    hand.press(hand.page.get_by_role("link", name=f"Mara {world.way}"))
    hand.write(hand.page.get_by_label("Name", exact=True), f"Mara {world.way} Berger")
    hand.save(hand.page.get_by_role("button", name="Save"))
    expect(hand.page.get_by_text("Berger” saved")).to_be_visible()


@task("Go on with a form after the page was loaded anew")
def _(hand: Hand, world: World) -> None:
    hand.go("Jobs", "j")
    hand.keys_or("n", hand.page.get_by_role("link", name="New job"))
    hand.write(hand.page.get_by_label("Name", exact=True), world.called("draft"))
    hand.page.reload()
    expect(hand.page.get_by_label("Name", exact=True)).to_have_value(world.called("draft"))
    hand.choose(hand.page.get_by_label("Bot", exact=True), "probe")
    hand.save(hand.page.get_by_role("button", name="Create job"))
    expect(hand.page.locator("h1")).to_contain_text(world.called("draft"))


def do(work: Task, hand: Hand, world: World) -> tuple[int, float]:
    """Do one task from the overview on. Returns the acts and the seconds."""
    hand.page.goto("/")
    hand.acts, began = 0, time.monotonic()
    work(hand, world)
    return hand.acts, time.monotonic() - began


def measure() -> list[list[tuple[int, float]]]:
    """Do every task in every way. Returns acts and seconds by task and way."""
    path = find_chromium()
    if path is None:
        raise SystemExit("No Chromium is on the PATH")
    undone: list[str] = []
    took: list[list[tuple[int, float]]] = [[] for _ in TASKS]
    with chromium(path) as browser, tempfile.TemporaryDirectory() as folder, running(Path(folder)) as installation:
        for number in range(FILLED):
            installation.make_job(name=f"Other job {number}", labels={"team": f"team-{number % 9}"})
        for way in WAYS:
            world, context = World(installation, way), reader(browser, installation, **OPTIONS[way])
            context.set_default_timeout(8_000)
            sign_in(context, installation)
            hand = hand_in(context, way)
            for place, (title, work) in enumerate(TASKS):
                try:
                    took[place].append(do(work, hand, world))
                    print(way, *took[place][-1], title, file=sys.stderr)
                except (AssertionError, Error) as error:
                    undone.append(f"{way}: {title}: {str(error)[:300]}")
            context.close()
    if undone:
        raise SystemExit("\n\n".join(["Not done:", *undone]))
    return took


def written(took: list[list[tuple[int, float]]]) -> str:
    """Return the note's text."""
    rows = [
        f"| {number} | {title} | " + " | ".join(f"{acts} | {seconds:.1f}" for acts, seconds in of_task) + " |"
        for number, ((title, _), of_task) in enumerate(zip(TASKS, took, strict=True), 1)
    ]
    return HEAD.format(jobs=FILLED) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    NOTE.write_text(written(measure()))
