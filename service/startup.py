"""What every process does first: read its settings, or say in one line what is wrong with them; log to stdout."""

from __future__ import annotations

import logging
import sys

from service.errors import SettingsError
from service.settings import Settings, load_settings


def start_process() -> Settings:
    """Reads the settings and sets up logging.

    Returns:
        The settings.

    Raises:
        SystemExit: a setting is malformed; one line on stderr names it.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    logging.basicConfig(
        stream=sys.stdout,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    return settings
