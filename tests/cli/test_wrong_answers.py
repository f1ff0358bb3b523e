"""Answers that no Bot Scheduler gives, at every command that reads: another program listens at the address."""

from __future__ import annotations

import shlex
from pathlib import Path

import httpx
import pytest

from tests.cli.test_printed import READS
from tests.support.cli_in_process import command_line


@pytest.mark.parametrize("answer", ["null", "{}", "[]", '"x"', "1", "[1]", '["x"]', "[null]"])
def test_every_command_that_reads_says_that_another_program_answers(answer: str, tmp_path: Path) -> None:
    """With exit code 6, or 3 if the list that it looks into is empty; an empty list alone may be the answer."""
    wrong = {}
    for line in READS:
        said = command_line(
            lambda _: httpx.Response(200, content=answer, headers={"Content-Type": "application/json"}),
            *shlex.split(line), given="jobs: []\n", HOME=str(tmp_path), XDG_CONFIG_HOME="",
        )  # fmt: skip
        well = said.status == 6 and ("is not a Bot Scheduler" in said.err or "is it a Bot Scheduler" in said.err)
        if not (well or (answer == "[]" and said.status in (0, 3))):
            wrong[line] = (said.status, said.err[:80])
    assert wrong == {}
