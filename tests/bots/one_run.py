"""One live run of the birthday bot in a process of its own: `python -m tests.bots.one_run PORT MESSAGE_URL`."""

from __future__ import annotations

import json
import sys

from redis import Redis

from service.bots.birthday import BirthdayBot, BirthdayConfig
from tests.bots.rig import Run, configured

if __name__ == "__main__":
    context = Run(
        Redis(port=int(sys.argv[1])),
        configured(BirthdayConfig, max_messages_per_run=100),
        message_url=sys.argv[2],
    )
    print(json.dumps(BirthdayBot().run(context)))
