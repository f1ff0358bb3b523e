"""Kills workers in the middle of sending birthday messages, and counts who got what.

    python -m tests.bots.kills --kills 50 --messages 50 [--families]

In each round a run has so many people to greet, through real processes and a real mail server. At one message, each
round at the next one, a process is killed with SIGKILL: the one that sends, the worker above it, or the supervisor with
everything below. In every second round the address book is imported again, in another order, before the run is retried.
Then it is compared what the mail server has with what the history says: nobody may have two messages, and nobody may be
without one unless the result names them.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.mail import Post, post_office
from tests.support.servers.valkey import ValkeyServer

MOMENTS = ("begun", "addressed", "offered", "taken", "answered", "refused")
"""When of a message: its sender is named, its recipient is named, its text has come, it is taken and not answered, it
was answered in the last 50 ms (the claim is settled, the contact noted, the next message claimed), or it was refused
for now in the last 50 ms (the claim is given back, the others are sent, the run waits)."""
REFUSED = "450 greylisted"
VICTIMS = ("sender", "worker", "all")


class Trap(Post):
    """A mail server that kills at one moment of one message.

    Args:
        draw: chance.
    """

    def __init__(self, draw: random.Random) -> None:
        super().__init__()
        self._draw = draw
        self._step = 0
        self._moment = ""
        self._victim = ""
        self._root = 0
        self._begun = 0
        self._sprung = False
        self.killed: list[int] | None = None
        """Who was killed; None until then."""

    def set(self, step: int, moment: str, victim: str, root: int) -> None:
        """Kill `victim` below the process `root` at the `step`-th message from now on."""
        self._step, self._moment, self._victim, self._root = step, moment, victim, root
        self._begun, self._sprung, self.killed = 0, False, None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        self._begun += 1
        self._at("begun", session)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._at("addressed", session)
        if self._at("refused", session):
            return REFUSED
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._at("offered", session)
        answer = await super().handle_DATA(server, session, envelope)
        self._at("taken", session)
        self._at("answered", session)
        return answer

    def _at(self, moment: str, session: Session) -> bool:
        """Whether this was the moment."""
        if self._sprung or (self._begun, moment) != (self._step, self._moment):
            return False
        assert session.peer is not None
        self._sprung = True
        victims = self._victims(owner_of(int(session.peer[1]), self._root))
        if moment in ("answered", "refused"):
            delay = self._draw.uniform(0, 0.05)
            asyncio.get_running_loop().call_later(delay, self._kill, victims)
        else:
            self._kill(victims)
        return True

    def _victims(self, sender: int) -> list[int]:
        if self._victim == "all":
            return [self._root, *descendants(self._root)]
        return [sender if self._victim == "sender" else parent_of(sender)]

    def _kill(self, victims: list[int]) -> None:
        killed = []
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            except ProcessLookupError:
                pass  # it died with one before, or had done its work
        self.killed = killed


def owner_of(port: int, root: int) -> int:
    """The process below `root` that holds the client's end of a connection from 127.0.0.1:`port` (Linux' /proc)."""
    end = f"0100007F:{port:04X}"
    inodes = {row[9] for line in Path("/proc/net/tcp").read_text().splitlines() if (row := line.split())[1] == end}
    for pid in descendants(root):
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                if os.readlink(link).strip("socket:[]") in inodes:
                    return pid
            except OSError:
                continue
    raise AssertionError(f"nobody below {root} sends from port {port}")


def parent_of(pid: int) -> int:
    """The parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@dataclass(frozen=True)
class Person:
    """Somebody in the address book; the name is nobody else's."""

    name: str
    address: str


def people_of(number: int, round_number: int, families: bool) -> list[Person]:
    """Those of one round.

    Args:
        families: of each nine, six are two families, who have one address for all three; the birthday is everybody's.
    """
    return [
        Person(
            f"P{one} R{round_number}",
            f"{'f' if shared else 'p'}{one // 3 if shared else one}-{round_number}@example.org",
        )
        for one in range(number)
        for shared in (families and one // 3 % 3 != 2,)
    ]


def file_of(people: list[Person], month_day: str) -> io.BytesIO:
    """An address book of people whose birthday is that day."""
    rows = "\n".join(f"{person.name},{month_day},{person.address}" for person in people)
    return io.BytesIO(f"name,birthday,email\n{rows}\n".encode())


@dataclass
class Figures:
    """What became of everybody."""

    messages: int = 0
    sent: int = 0
    doubled: list[str] = field(default_factory=list)
    lost_silently: list[str] = field(default_factory=list)
    unknown: int = 0
    unknown_received: int = 0
    failed: int = 0
    runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    late: int = 0
    imports: int = 0

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({kills}; {self.late} found nobody any more), {self.runs} runs, "
            f"{self.imports} imports in between\n"
            f"{self.messages} people: {self.sent} messages taken, {len(self.doubled)} people with two, "
            f"{len(self.lost_silently)} lost silently\n"
            f"reported as unknown: {self.unknown}, of whom {self.unknown_received} have their message; "
            f"as failed: {self.failed}"
        )


@dataclass(frozen=True)
class Plan:
    """What happens in a round: at which message, when of it, and who is killed; whether all is imported again."""

    step: int
    moment: str
    victim: str
    imports: bool


def one_round(
    installation: Installation, trap: Trap, plan: Plan, people: list[Person], draw: random.Random, to: Figures
) -> None:
    """One run with one kill, and what came of it."""
    book = ContactBook(installation.client, Keys())
    for contact in list(book.all()):
        book.delete(contact.id)
    today = f"{datetime.fromtimestamp(int(installation.client.time()[0]), UTC):%m-%d}"
    book.import_stream(file_of(people, f"--{today}"))
    trap.messages.clear()
    trap.set(plan.step, plan.moment, plan.victim, installation.processes["worker"].pid)
    job = installation.make_job(
        bot_type="birthday",
        bot_config={"process_late": True, "max_messages_per_run": len(people)},
        options={"max_retries": 5, "retry_delay_seconds": 1},
    )
    run_id = installation.run_now(job)
    until(lambda: trap.killed is not None, 60, lambda: installation.log("worker"))
    if plan.imports:
        report = book.import_stream(file_of(draw.sample(people, len(people)), f"--{today}"))
        assert (report["created"], report["skipped_total"]) == (0, 0), report
        to.imports += 1
    if plan.victim == "all":
        installation.kill("worker")
        installation.start("worker")
    until(
        lambda: installation.history(job)[0]["status"] == "success", 90,
        lambda: f"{installation.history(job)}\n{installation.log('worker')}",
    )  # fmt: skip
    to.late += trap.killed == []
    count(installation.history(job), run_id, people, trap, to)
    to.kills[f"{plan.victim} when {plan.moment}"] += 1
    assert installation.call("DELETE", f"/jobs/{job}")[0] == 204


def count(runs: list[dict[str, Any]], run_id: str, people: list[Person], trap: Trap, to: Figures) -> None:
    """Compares what the mail server took with what the job's last run says."""
    last = runs[0]
    assert last["status"] == "success", runs
    result = last["result"]
    names = [person.name for person in people]
    reported = {failure["name"] for failure in result["failures"]}
    got = Counter(recipient_of(message, people) for message in trap.messages)
    to.messages += len(names)
    to.runs += len(runs)
    to.sent += sum(got.values())
    to.doubled += [name for name, times in got.items() if times > 1]
    to.lost_silently += [name for name in names if not got[name] and name not in reported]
    to.unknown += result["unknown"]
    to.unknown_received += sum(1 for name in reported if got[name])
    to.failed += result["failed"]
    told = sum(result[name] for name in ("already", "sent", "unknown", "failed", "deferred"))
    assert told == result["found"] == len(names), result
    assert runs[-1]["id"] == run_id


def recipient_of(message: EmailMessage, people: list[Person]) -> str:
    """Who is greeted by a message, which must have gone to their address."""
    (person,) = [person for person in people if f", {person.name}!" in str(message["Subject"])]
    assert message["To"] == person.address
    return person.name


def plan_of(number: int, step: int) -> Plan:
    """The plan of a round, from 0 on: within 18, each moment meets each victim; every second one imports again."""
    moment = MOMENTS[(number + number // len(MOMENTS)) % len(MOMENTS)]
    return Plan(step, moment, VICTIMS[number % len(VICTIMS)], number % 2 == 1)


def carry_out(
    kills: int, messages: int, seed: int, folder: Path, show: bool = False, families: bool = False
) -> Figures:
    """So many rounds, each with so many messages.

    Args:
        families: see `people_of`.
        seed: of the moments, the victims and, if there are fewer rounds than messages, the messages.
        folder: for logs.
        show: tell of each round on standard output.
    """
    draw = random.Random(seed)
    steps = [number % messages + 1 for number in range(kills)] if kills >= messages else None
    figures = Figures()
    server = ValkeyServer(folder, "--appendonly", "no")
    trap = Trap(draw)
    try:
        with post_office(trap) as (_, url), Installation(folder, server, MESSAGE_URL=url) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            for number in range(kills):
                plan = plan_of(number, steps[number] if steps else draw.randint(1, messages))
                one_round(installation, trap, plan, people_of(messages, number, families), draw, figures)
                if show:
                    print(f"{number + 1}: {plan}; {figures.unknown} unknown", flush=True)
    finally:
        server.stop()
    return figures


def main() -> int:
    """Returns 1 if anybody has two messages or was lost silently."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--families", action="store_true", help="people who share addresses")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        figures = carry_out(asked.kills, asked.messages, asked.seed, Path(folder), True, asked.families)
    print(figures)
    return 1 if figures.doubled or figures.lost_silently else 0


if __name__ == "__main__":
    sys.exit(main())
