"""A bot that tells its secret in every way that it knows, and what of others' it finds."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import warnings
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

FORMS = {
    "plain": str,
    "base64": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "percent": lambda text: quote(text, safe=""),
    "json": json.dumps,
    "long": lambda text: "x" * 16_300 + text * 20,
}
SETTINGS = ("api_key", "api_key_previous", "redis_url", "message_url", "alert_url", "contacts_url", "visitor_contact")
IMPORTED_WITH = sorted(os.environ)
"""The variables that were there when this module was imported."""


class LeakyConfig(BaseModel):
    """Which secret, and how it gets out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    secret: str = "env:BOT_SECRET_TOKEN"
    way: Literal[
        "return",
        "raise",
        "chain",
        "partial",
        "log",
        "format",
        "thread",
        "warn",
        "exit",
        "look",
        "undeclared",
        "foreign",
    ] = "return"
    form: Literal["plain", "base64", "percent", "json", "long"] = "plain"


class Talkative(Exception):
    """Shows its arguments also in its notes."""


class LeakyBot:
    """Tells secrets."""

    name: ClassVar[str] = "leaky"
    description: ClassVar[str] = "Tells its secret."
    Config: ClassVar[type[BaseModel]] = LeakyConfig
    safe_to_rerun: ClassVar[bool] = False
    uses_settings: ClassVar[tuple[str, ...]] = ("MESSAGE_URL", "BOT_SECRET_DECLARED")

    def run(self, context: Any) -> dict[str, Any]:
        config = context.config
        if config.way == "look":
            return self._look(context)
        if config.way == "undeclared":
            return {"key": str(context.settings.api_key)}
        if config.way == "foreign":
            return {"found": context.secrets.text("env:BOT_SECRET_OTHER", None)}
        secrets = [context.secrets.text(name, None) for name in (config.secret, "env:BOT_SECRET_DECLARED")]
        told = FORMS[config.form](" ".join([*secrets, context.settings.message_url.get_secret_value()]))
        return dict(getattr(self, f"_{config.way}")(context, told))

    def _return(self, context: Any, told: str) -> dict[str, Any]:
        return {"text": told, "deep": [{"er": [told]}]}

    def _raise(self, context: Any, told: str) -> dict[str, Any]:
        raise ValueError(told)

    def _chain(self, context: Any, told: str) -> dict[str, Any]:
        try:
            raise KeyError(told)
        except KeyError as cause:
            error = Talkative("it failed")
            error.add_note(told)
            raise error from cause

    def _partial(self, context: Any, told: str) -> dict[str, Any]:
        error = Talkative(told)
        error.result = {"until then": told}  # type: ignore[attr-defined]
        raise error

    def _log(self, context: Any, told: str) -> dict[str, Any]:
        context.log.warning("the server said %r", told, extra={"beside": {"it": told}})
        context.log.info(told)
        return {}

    def _format(self, context: Any, told: str) -> dict[str, Any]:
        context.log.info("%d of %s", told)
        return {}

    def _thread(self, context: Any, told: str) -> dict[str, Any]:
        def fail() -> None:
            raise ValueError(told)

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        return {}

    def _warn(self, context: Any, told: str) -> dict[str, Any]:
        warnings.warn(told, stacklevel=1)
        return {}

    def _exit(self, context: Any, told: str) -> dict[str, Any]:
        sys.exit(told)

    def _look(self, context: Any) -> dict[str, Any]:
        child = [sys.executable, "-c", "import json, os; print(json.dumps(sorted(os.environ)))"]
        return {
            "pid": os.getpid(),
            "environment": sorted(os.environ),
            "imported_with": IMPORTED_WITH,
            "child": json.loads(subprocess.run(child, check=True, capture_output=True).stdout),
            "settings": [name for name in SETTINGS if hasattr(context.settings, name)],
        }
