"""Tools to test a bot without the service.

`FakeContext` behaves as the context of a real run does: the service's own suite runs the same tests against both.
"""

from bot_scheduler.testing.clock import FakeClock
from bot_scheduler.testing.contacts import FakeContact, FakeContacts
from bot_scheduler.testing.context import FakeContext
from bot_scheduler.testing.ledger import FakeLedger
from bot_scheduler.testing.log import LogLine
from bot_scheduler.testing.memory import FakeMemory
from bot_scheduler.testing.run import FakeRun
from bot_scheduler.testing.secrets import FakeSecrets
from bot_scheduler.testing.settings import FakeSettings

__all__ = [
    "FakeClock",
    "FakeContact",
    "FakeContacts",
    "FakeContext",
    "FakeLedger",
    "FakeMemory",
    "FakeRun",
    "FakeSecrets",
    "FakeSettings",
    "LogLine",
]
