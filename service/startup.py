"""The first step of the scheduler and the worker: read the settings and set up logging, or name the wrong setting."""

from __future__ import annotations

import logging.config
import sys

from service import logs
from service.errors import SettingsError
from service.settings import ALLOWS_PRIVATE, Settings, load_settings


def start_process(name: str) -> Settings:
    """Read the settings and set up logging.

    Args:
        name: `scheduler` or `worker`, for the log lines.

    Returns:
        The settings.

    Raises:
        SystemExit: a setting is malformed; one line on stderr names it.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    logging.config.dictConfig(logs.config(name, settings.log_level, settings.log_format))
    logs.hook_up()
    if name == "worker" and settings.visitor_allow_private:  # workers alone run bots
        logging.getLogger(name).warning("%s. Use NETWORK_ALLOW instead, and list the networks to allow", ALLOWS_PRIVATE)
    return settings
