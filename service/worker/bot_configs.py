"""Configs of runs: a job's `bot_config` with a run's overlay, checked anew for each run.

The steps that are alike for all runs of a job are done once. The model itself reads the config's text for every run, so
no run meets what another did to its config, and defaults that a bot's model computes are computed each time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from bot_scheduler import Bot
from service.domain.job_fields import validate_bot_config
from service.domain.records import JobRecord

MOST_TEXTS = 1000
LONGEST_TEXT = 4096
"""Bytes of a config that is remembered; longer ones take long to check in any case."""

_Key = tuple[str, int, str | None]
"""A job's id, its revision, and a run's overlay."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A config that was valid: what it was made of, and its text."""

    bot_config: dict[str, Any]
    text: bytes


class BotConfigs:
    """Checks the configs of one process' runs."""

    def __init__(self) -> None:
        self._known: dict[_Key, _Known] = {}

    def checked(self, record: JobRecord, overlay: str | None, bot: type[Bot]) -> dict[str, Any]:
        """Return a run's config with its defaults, JSON-ready and nobody else's.

        Args:
            record: the job.
            overlay: what the run lays over its config, a JSON object; None if nothing.
            bot: the job's.

        Raises:
            ValidationFailed: it is not valid.
        """
        key = record.id, record.revision, overlay
        known = self._known.get(key)
        if known is not None and known.bot_config == record.definition.bot_config:
            try:
                return bot.Config.model_validate_json(known.text, strict=True, extra="forbid").model_dump(mode="json")
            except Exception:  # noqa: BLE001 - a model that refuses now: the full check says why
                self._known.pop(key)
        return self._fully_checked(key, record, bot)

    def _fully_checked(self, key: _Key, record: JobRecord, bot: type[Bot]) -> dict[str, Any]:
        bot_config: dict[str, Any] = dict(record.definition.bot_config)
        laid_over = bot_config | json.loads(key[2] or "{}")
        found = validate_bot_config(bot.name, laid_over, {bot.name: bot.Config})
        text = orjson.dumps(laid_over)  # as the check writes it
        if len(text) <= LONGEST_TEXT:
            if len(self._known) >= MOST_TEXTS:
                self._known.clear()
            self._known[key] = _Known(bot_config, text)
        return found
