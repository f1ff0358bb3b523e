"""Somebody's scripts, elsewhere: they ping over HTTP while everything dies, and remember what was answered.

The audit is of its own rules: each run that was told of is in the history once, as its answered end said.
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.audit import Findings, Run
from tests.chaos.load import Known, Load

KIND = "watched"
JOBS = 3
MOST_OPEN = 20
"""Runs of a job under way."""
INSIST_SECONDS = 15.0
BODY = {
    "name": KIND, "bot_type": "heartbeat", "schedule_type": "interval", "schedule_config": {"hours": 1},
    "bot_config": {"grace_seconds": 3600},
}  # fmt: skip


@dataclass(slots=True)
class Told:
    """What was told of a run of others.

    Args:
        end: `success` or `fail`, once that was sent; None before.
        answered: the words that were answered 2xx, and with which run.
    """

    job_id: str
    rid: str
    end: str | None = None
    answered: dict[str, str] = field(default_factory=dict)


class Pinger:
    """Pings of `JOBS` jobs, whose runs have ids, and of one whose runs have none.

    Args:
        load: the other callers, who make the jobs.
        chance: where it draws from.
    """

    def __init__(self, load: Load, chance: random.Random) -> None:
        self.told: dict[str, Told] = {}
        self.plain = Counter[str]()
        """Of the job without ids: how many pings were answered, and how many never."""
        self.jobs: list[str] = []
        self._load = load
        self._chance = chance
        self._addresses: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="pinger", daemon=True)

    def populate(self) -> None:
        """Makes the jobs, and an address for the pings of each."""
        for number in range(JOBS + 1):
            key = f"{self._chance.getrandbits(64):x}"
            job = self._until_made("/jobs", {**BODY, "name": f"{KIND} {number}"}, key)
            self._load.known[job["id"]] = Known({3600}, MOST_OPEN, job["name"], KIND)
            terms = {"name": job["name"], "scopes": ["ping"], "job_id": job["id"]}
            self._addresses[job["id"]] = self._until_made("/keys", terms, None)["ping"]
            self.jobs.append(job["id"])

    def _until_made(self, path: str, body: Mapping[str, Any], key: str | None) -> Any:
        while True:
            status, answer = self._load.call("POST", path, body, key)
            if status == 201:
                return answer
            time.sleep(0.2)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the ping that is on its way end."""
        self._stop.set()
        self._thread.join(60)

    def end_all(self) -> None:
        """Tells of each run that it has ended, as was told before, until that is answered."""
        for told in self.told.values():
            told.end = told.end or "success"
            end = time.monotonic() + 60
            while told.end not in told.answered and time.monotonic() < end:
                self._send(told, told.end)

    def _work(self) -> None:
        while not self._stop.wait(self._chance.uniform(0.1, 0.5)):
            chosen = self._chance.random()
            if chosen < 0.2:
                answer = self._ask(self.jobs[-1], "success", None)
                self.plain["answered" if answer else "unclear"] += 1
            elif chosen < 0.25:
                self._disturb(self._chance.choice(self.jobs))
            else:
                self._tell()

    def _tell(self) -> None:
        """Begins a run, or ends one; each ping is sent until it is answered, and sometimes once more."""
        under_way = [told for told in self.told.values() if told.end is None]
        if len(under_way) < 12 and self._chance.random() < 0.5:
            told = Told(self._chance.choice(self.jobs[:-1]), f"{self._chance.getrandbits(64):x}")
            self.told[told.rid] = told
            if self._chance.random() < 0.7:
                self._insist(told, "start")
                return
        elif under_way:
            told = self._chance.choice(under_way)
        else:
            return
        told.end = self._chance.choice(["success", "success", "fail"])
        self._insist(told, told.end)

    def _insist(self, told: Told, word: str) -> None:
        end = time.monotonic() + INSIST_SECONDS
        while word not in told.answered and time.monotonic() < end and not self._stop.is_set():
            self._send(told, word)
        if self._chance.random() < 0.2:
            self._send(told, word)

    def _send(self, told: Told, word: str) -> None:
        answer = self._ask(told.job_id, word, told.rid)
        if answer is None:
            time.sleep(0.3)
            return
        known = told.answered.setdefault(word, answer["run_id"])
        if known != answer["run_id"]:
            self._load.unexpected.append(f"{word} of {told.rid}: answered with {known}, then with {answer['run_id']}")

    def _ask(self, job_id: str, word: str, rid: str | None) -> Any:
        """One request. Returns its answer; None if it was refused, or none came."""
        address = self._addresses[job_id] + ("" if word == "success" else f"/{word}")
        data = b"chaos" if self._chance.random() < 0.5 else None
        request = urllib.request.Request(address + (f"?rid={rid}" if rid else ""), data=data)
        try:
            with urllib.request.urlopen(request, timeout=8) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                self._load.unexpected.append(f"a ping, {word}: {error.code} {error.read()!r}")
        except (OSError, ValueError):
            pass
        return None

    def _disturb(self, job_id: str) -> None:
        """Switches a job off and on, or puts it on another schedule, whatever is under way and whatever is answered."""
        if self._chance.random() < 0.5:
            for enabled in (False, True):
                self._load.call("POST", f"/jobs/{job_id}/toggle", {"enabled": enabled})
        else:
            self._load.call("PUT", f"/jobs/{job_id}", {"schedule_config": {"hours": self._chance.randint(1, 3)}})


def check_pings(
    found: Findings, told: Iterable[Told], plain: tuple[str, int, int], histories: Mapping[str, Sequence[Run]]
) -> None:
    """Look at the runs of jobs whose work others do.

    Args:
        found: takes the sentences.
        told: each run that was told of; all have ended, or may have.
        plain: the job without ids; how many pings of it were answered, and how many more may have come.
        histories: job id -> runs, oldest first.
    """
    sent: dict[str, set[str]] = {}
    for one in told:
        sent.setdefault(one.job_id, set()).add(one.rid)
        its = [run for run in histories.get(one.job_id, ()) if run.get("rid") == one.rid]
        found.pings += len(one.answered)
        if one.answered and not its:
            found.lost.append(f"{one.job_id}: run {one.rid} was told of by {sorted(one.answered)} and is gone")
        if len(its) > 1:
            found.doubled.append(f"{one.job_id}: run {one.rid} is in the history {len(its)} times")
        for run in its:
            if set(one.answered.values()) - {run["id"]}:
                found.wrong.append(f"{one.job_id}: run {one.rid} was answered with {one.answered}, and is {run['id']}")
            ended = {"success": "success", "fail": "failed"}.get(one.end or "")
            if one.end in one.answered and run.get("status") != ended:
                found.wrong.append(f"{one.job_id}: {one.end} of {one.rid} was answered, and the run is {dict(run)}")
    for job_id, rids in sent.items():
        strangers = [run["id"] for run in histories.get(job_id, ()) if run.get("rid") not in rids]
        found.wrong += [f"{job_id}: nobody has told of run {run_id}" for run_id in strangers]
    job_id, answered, unclear = plain
    count = len(histories.get(job_id, ()))
    found.pings += answered
    if count < answered:
        found.lost.append(f"{job_id}: {answered} pings were answered, and {count} are in the history")
    if count > answered + unclear:
        found.doubled.append(f"{job_id}: {answered + unclear} pings were sent, and {count} are in the history")
