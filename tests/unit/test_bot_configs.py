"""The configs of runs: checked anew for each, with what is alike for all runs of a job worked out once."""

from __future__ import annotations

import itertools
import json
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field, model_validator

from service.domain.job_fields import validate_bot_config
from service.domain.records import JobRecord, read_job
from service.errors import ValidationFailed
from service.worker import bot_configs
from service.worker.bot_configs import BotConfigs

_numbers = itertools.count()


class OddConfig(BaseModel):
    """A value of any kind, lists, and a default that is another for every run."""

    anything: Any = None
    more: Any = None
    names: list[str] = []
    number: int = Field(default_factory=lambda: next(_numbers))
    refused: ClassVar[bool] = False

    @model_validator(mode="after")
    def _checked(self) -> OddConfig:
        if OddConfig.refused:
            raise ValueError("must wait until tomorrow")
        return self


class _OddBot:
    """Does nothing."""

    name: ClassVar[str] = "odd"
    description: ClassVar[str] = "Does nothing."
    Config: ClassVar[type[BaseModel]] = OddConfig

    def run(self, context: Any) -> dict[str, Any]:
        return {}


OddBot: Any = _OddBot


def record(bot_config: str, revision: int = 1) -> JobRecord:
    """A job as it is stored."""
    fields = {
        "id": "j", "revision": str(revision), "name": "n", "bot_type": "odd", "bot_config": bot_config,
        "schedule_type": "interval", "schedule_config": '{"hours":1}', "options": "{}", "anchor": "1",
        "created_at": "1000", "updated_at": "1000", "enabled": "1", "state": "scheduled",
    }  # fmt: skip
    return read_job("job", {name.encode(): value.encode() for name, value in fields.items()})


@pytest.mark.parametrize("overlay", [None, '{"names":["b"],"more":{"deep":[1.5,true,null]}}'])
def test_each_run_gets_the_config_of_the_full_check(overlay: str | None) -> None:
    """The first and those after it, with an overlay and without, apart from the number that each computes."""
    configs, job = BotConfigs(), record('{"anything":{"a":[1,"env:BOT_SECRET_A"]},"names":["a"]}')
    laid_over = job.definition.bot_config | json.loads(overlay or "{}")
    expected = validate_bot_config("odd", laid_over, {"odd": OddConfig})
    found = [configs.checked(job, overlay, OddBot) for _ in range(3)]
    assert all(one | {"number": 0} == expected | {"number": 0} for one in found)
    assert len({one["number"] for one in found}) == 3, "a computed default was remembered"


def test_what_a_run_does_to_its_config_does_not_reach_the_next() -> None:
    """Neither in a list of the model nor deep within a value of any kind, nor what was given or laid over."""
    configs, job, overlay = BotConfigs(), record('{"anything":{"a":[1]},"names":["a"]}'), '{"more":{"deep":[1]}}'
    for _ in range(3):
        found = configs.checked(job, overlay, OddBot)
        config: Any = OddConfig.model_validate(found)
        assert (config.anything, config.names, config.more) == ({"a": [1]}, ["a"], {"deep": [1]})
        for changed in (config.anything["a"], config.names, config.more["deep"], found["names"]):
            changed.append("left behind")
        config.anything["b"] = found["c"] = "left behind"
    assert job.definition.bot_config == {"anything": {"a": [1]}, "names": ["a"]}


def test_a_changed_job_has_its_new_config() -> None:
    """With another revision; and with the same one, where Redis' data went back and the job was changed otherwise."""
    configs = BotConfigs()
    found = [
        configs.checked(record(f'{{"anything":{value}}}', revision), overlay, OddBot)["anything"]
        for value, revision, overlay in [("1", 1, None), ("2", 2, None), ("3", 2, None), ("3", 2, '{"anything":4}')]
    ]
    assert found == [1, 2, 3, 4]


def test_a_config_that_is_refused_later_is_refused_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model may depend on the day."""
    configs, job = BotConfigs(), record("{}")
    configs.checked(job, None, OddBot)
    monkeypatch.setattr(OddConfig, "refused", True)
    for _ in range(2):
        with pytest.raises(ValidationFailed, match="must wait until tomorrow"):
            configs.checked(job, None, OddBot)
    monkeypatch.setattr(OddConfig, "refused", False)
    assert configs.checked(job, None, OddBot)["names"] == []


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many configs nor long ones; all are checked as they should be."""
    monkeypatch.setattr(bot_configs, "MOST_TEXTS", 10)
    configs = BotConfigs()
    for number in range(25):
        assert configs.checked(record(f'{{"anything":{number}}}', number), None, OddBot)["anything"] == number
        assert len(configs._known) <= 10
    long = "x" * bot_configs.LONGEST_TEXT
    remembered = len(configs._known)
    assert configs.checked(record(f'{{"anything":"{long}"}}', 99), None, OddBot)["anything"] == long
    assert len(configs._known) == remembered
