"""Kills workers in the middle of sending birthday messages, and counts who got what.

    python -m tests.bots.kills --kills 50 --messages 50

In each round a run has so many people to greet, through real processes and a real mail server. At one message, each
round at the next one, a process is killed with SIGKILL: the one that sends, the worker above it, or the supervisor with
everything below. The run is retried, and then it is compared what the mail server has with what the history says:
nobody may have two messages, and nobody may be without one unless the result names them.
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
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from service.contacts.book import ContactBook
from service.keys import Keys
from tests.bots.rig import Post, post_office
from tests.conftest import ValkeyServer
from tests.process.installation import Installation, descendants, until

MOMENTS = ("begun", "addressed", "offered", "taken", "answered")
"""When of a message: it names the sender, names the recipient, has sent the text, it is taken and not answered, or it
was answered in the last 50 ms (the claim is settled, the contact noted, the next message claimed)."""
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
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._at("offered", session)
        answer = await super().handle_DATA(server, session, envelope)
        self._at("taken", session)
        self._at("answered", session)
        return answer

    def _at(self, moment: str, session: Session) -> None:
        if self._sprung or (self._begun, moment) != (self._step, self._moment):
            return
        assert session.peer is not None
        self._sprung = True
        victims = self._victims(owner_of(int(session.peer[1]), self._root))
        if moment == "answered":
            delay = self._draw.uniform(0, 0.05)
            asyncio.get_running_loop().call_later(delay, self._kill, victims)
        else:
            self._kill(victims)

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

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{sum(self.kills.values())} kills ({kills}; {self.late} found nobody any more), {self.runs} runs\n"
            f"{self.messages} people: {self.sent} messages taken, {len(self.doubled)} people with two, "
            f"{len(self.lost_silently)} lost silently\n"
            f"reported as unknown: {self.unknown}, of whom {self.unknown_received} have their message; "
            f"as failed: {self.failed}"
        )


def one_round(installation: Installation, trap: Trap, plan: tuple[int, str, str], people: int, to: Figures) -> None:
    """One run with one kill, and what came of it."""
    step, moment, victim = plan
    book = ContactBook(installation.client, Keys())
    for contact in list(book.all()):
        book.delete(contact.id)
    today = f"{datetime.fromtimestamp(int(installation.client.time()[0]), UTC):--%m-%d}"
    addresses = [f"p{number}-{to.messages}@example.org" for number in range(people)]
    rows = "\n".join(f"P{number},{today},{address}" for number, address in enumerate(addresses))
    book.import_stream(io.BytesIO(f"name,birthday,email\n{rows}\n".encode()))
    trap.messages.clear()
    trap.set(step, moment, victim, installation.processes["worker"].pid)
    job = installation.make_job(
        bot_type="birthday",
        bot_config={"process_late": True, "max_messages_per_run": people},
        options={"max_retries": 5, "retry_delay_seconds": 1},
    )
    run_id = installation.run_now(job)
    until(lambda: trap.killed is not None, 60, lambda: installation.log("worker"))
    if victim == "all":
        installation.kill("worker")
        installation.start("worker")
    until(
        lambda: installation.history(job)[0]["status"] == "success", 90,
        lambda: f"{installation.history(job)}\n{installation.log('worker')}",
    )  # fmt: skip
    to.late += trap.killed == []
    count(installation.history(job), run_id, addresses, trap, to)
    to.kills[f"{victim} when {moment}"] += 1
    assert installation.call("DELETE", f"/jobs/{job}")[0] == 204


def count(runs: list[dict[str, Any]], run_id: str, addresses: list[str], trap: Trap, to: Figures) -> None:
    """Compares what the mail server took with what the job's last run says."""
    last = runs[0]
    assert last["status"] == "success", runs
    result = last["result"]
    reported = {address for failure in result["failures"] for address in addresses if named(failure, address)}
    got = Counter(trap.recipients)
    to.messages += len(addresses)
    to.runs += len(runs)
    to.sent += sum(got.values())
    to.doubled += [address for address, times in got.items() if times > 1]
    to.lost_silently += [address for address in addresses if not got[address] and address not in reported]
    to.unknown += result["unknown"]
    to.unknown_received += sum(1 for address in reported if got[address])
    to.failed += result["failed"]
    told = result["already"] + result["sent"] + result["unknown"] + result["failed"]
    assert told == result["found"] == len(addresses), result
    assert runs[-1]["id"] == run_id


def named(failure: dict[str, str], address: str) -> bool:
    """Whether a line of the result's failures is about whom this address belongs to."""
    return failure["name"] == address.partition("-")[0].upper()


def carry_out(kills: int, messages: int, seed: int, folder: Path, show: bool = False) -> Figures:
    """So many rounds, each with so many messages.

    Args:
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
                step = steps[number] if steps else draw.randint(1, messages)
                plan = (step, MOMENTS[number % len(MOMENTS)], VICTIMS[number % len(VICTIMS)])
                one_round(installation, trap, plan, messages, figures)
                if show:
                    print(
                        f"{number + 1}: {plan[2]} at message {step}, {plan[1]}; {figures.unknown} unknown", flush=True
                    )
    finally:
        server.stop()
    return figures


def main() -> int:
    """Returns 1 if anybody has two messages or was lost silently."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        figures = carry_out(asked.kills, asked.messages, asked.seed, Path(folder), show=True)
    print(figures)
    return 1 if figures.doubled or figures.lost_silently else 0


if __name__ == "__main__":
    sys.exit(main())
