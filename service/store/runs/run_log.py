"""Logs of runs: the first lines, the newest ones, and a note of how many are left out between them.

Lines are numbered from 1 in the order of writing, including those that are no longer kept. So a reader who follows a
log can say where to go on, whatever is left out meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.store.keys import Keys

OF_A_LONG_LOG = "a long log keeps its first 32 KiB and its last 32 KiB"
Question = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RunLog:
    """Lines of one run's log.

    Args:
        lines: the number and the JSON of each, oldest first; a note of lines left out has the number of the last of
            them.
        trimmed: whether the run has logged something, and nothing of it is kept any more.
        more: whether there may already be lines after these.
    """

    lines: Sequence[tuple[int, str]]
    trimmed: bool = False
    more: bool = False

    def parsed(self) -> list[dict[str, Any]]:
        """Return the lines as the API shows them."""
        return [json.loads(line) for _, line in self.lines]

    @property
    def last(self) -> int:
        """The number of the last line, 0 before the first."""
        return self.lines[-1][0] if self.lines else 0


def log_questions(keys: Keys, run_id: str, after: int, limit: int) -> list[Question]:
    """Return the commands that read a log in one round trip.

    The tail comes before the head: the head takes no more lines once there is a tail, so a head that is read after a
    tail is complete.

    Args:
        keys: the installation's key names.
        run_id: the run.
        after: the number of the line after which to start.
        limit: so many lines of each end; 0 for all.
    """
    head, tail = keys.run_log(run_id), keys.run_log_tail(run_id)
    some: Question = ("LIMIT", 0, limit) if limit else ()
    return [
        ("ZRANGE", tail, f"({after}", "+inf", "BYSCORE", *some),
        ("LRANGE", head, after, after + limit - 1 if limit else -1),
        ("HGET", keys.run(run_id), "log_bytes"),
        ("HGET", keys.run(run_id), "log_lines"),
        ("EXISTS", head, tail),
    ]


def assembled(answers: Sequence[Any], after: int, limit: int = 0) -> RunLog:
    """Assemble the log from the answers to `log_questions` with the same `after` and `limit`."""
    tail, head, size, written, kept = answers
    lines = [(number, _line(text)) for number, text in enumerate(head, after + 1)]
    more = bool(limit) and (len(head) == limit or len(tail) == limit)
    if tail and not (limit and len(head) == limit):
        lines += _after_a_cut(after + len(lines), [_numbered(member) for member in tail])
    return RunLog(lines, not kept and (int(size or 0) > 0 or int(written or 0) > 0), more)


def _numbered(member: bytes) -> tuple[int, str]:
    number, _, text = member.partition(b" ")
    return int(number), _line(text)


def _line(stored: bytes) -> str:
    """Return a line's JSON; a note in the place of one that cannot be read."""
    text = stored.decode(errors="replace")
    try:
        orjson.loads(text)
    except ValueError:
        return _told("This line cannot be read.")
    return text


def _after_a_cut(last: int, tail: list[tuple[int, str]]) -> list[tuple[int, str]]:
    left_out = tail[0][0] - last - 1
    return [(last + left_out, cut_line(left_out, OF_A_LONG_LOG)), *tail] if left_out else tail


def cut_line(left_out: int, why: str) -> str:
    """Write the line that stands for `left_out` lines, JSON."""
    lines = "1 line is" if left_out == 1 else f"{left_out:,} lines are"
    return _told(f"{lines} left out here: {why}.")


def _told(message: str) -> str:
    return json.dumps({"at": "", "level": "warning", "message": message})


def cut_middle(text: str, limit: int) -> str:
    """Return `text`, or its two ends and a note of how much is left out, within `limit` bytes of UTF-8.

    Args:
        text: any text.
        limit: over 64.
    """
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode()
    half = (limit - 64) // 2
    head, tail = data[:half].decode("utf-8", "ignore"), data[-half:].decode("utf-8", "ignore")
    return f"{head}… [{len(data) - 2 * half:,} bytes are left out here] …{tail}"
