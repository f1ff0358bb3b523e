"""Erasures that break off, and two at a time: the audit log says what became of each."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from redis import Redis

from service.bots.registry import load_bots
from service.domain.people.erasure.traces import Traces
from service.errors import Conflict
from service.store.erasure import Found
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.seals import Seals
from service.usecases.access.audit import Audit
from service.usecases.contacts import ContactBook
from service.usecases.erasure import Erasure
from tests.support.processes import until

pytestmark = pytest.mark.usefixtures("ada")

KEYS = Keys()
NAME = "Zoë Ångström-Lee"
LOGS, LINES = 300, 50
CHILD = """
import sys
from redis import Redis
from service.domain.access.callers import Caller, act_for
from service.domain.access.scopes import ALL
from tests.store.test_broken_erasure import erasure_on
act_for(Caller("k1", "Ada's key", ALL))
erasure_on(Redis(port=int(sys.argv[1]))).erase(sys.argv[2])
"""


def erasure_on(client: Redis) -> Erasure:
    """The erasures of an installation."""
    return Erasure(make_scripts(client, KEYS, Limits()), load_bots())


def erased(client: Redis) -> list[tuple[str, Any]]:
    """The entries of erasures: of what, and whether one says that it has not finished; oldest first."""
    page = Audit(make_scripts(client, KEYS, Limits())).page(limit=50, action="contact.erase")
    return [(entry["object"], entry["fields"].get("finished")) for entry in page.data[::-1]]


def stands_for(client: Redis, contact_id: str) -> str:
    """What stands for an erased contact."""
    return Seals(client, KEYS).made().contact_id(contact_id)


def write_logs(client: Redis) -> None:
    """Long enough logs about the person that an erasure can be killed within them."""
    lines = [json.dumps({"message": f"{number}: {NAME}"}) for number in range(LINES)]
    for number in range(LOGS):
        client.rpush(KEYS.run_log(f"{number:08}-0000-4000-8000-000000000000"), *lines)


def logs_that_name(client: Redis) -> int:
    """How many logs have the person in their last line."""
    names = client.scan_iter(f"{KEYS.prefix}:run:*:log")
    return sum("Lee" in client.lindex(name, -1).decode() for name in names)  # type: ignore[union-attr]


def test_an_erasure_that_is_killed_leaves_its_entry_and_can_be_repeated(redis_client: Redis, book: ContactBook) -> None:
    """The log says who began it; the repetition finishes it, and says that as well."""
    contact_id = book.create({"name": NAME})["id"]
    write_logs(redis_client)
    port = str(redis_client.connection_pool.connection_kwargs["port"])
    with subprocess.Popen([sys.executable, "-c", CHILD, port, contact_id]) as child:
        until(lambda: 0 < logs_that_name(redis_client) < LOGS, 60)
        child.kill()
    assert book.get(contact_id)["name"] == NAME
    assert erased(redis_client) == [(contact_id, {"from": None, "to": False})]
    answer = erasure_on(redis_client).erase(contact_id)
    found, stands = answer["found"], answer["erased_as"]
    assert found["contacts"] == 1 and found["logs"] > 0 and logs_that_name(redis_client) == 0
    assert erased(redis_client) == [(stands, {"from": None, "to": False}), (stands, None)]


class Overtaken:
    """Texts of an erasure that another one overtakes while it searches."""

    def __init__(self, slower: Erasure, faster: Erasure, contact_id: str) -> None:
        self._texts, self._faster, self._contact_id = slower._texts, faster, contact_id
        slower._texts = self  # type: ignore[assignment]

    def erase(self, traces: Traces) -> Found:
        """The other one first."""
        self._faster.erase(self._contact_id)
        return self._texts.erase(traces)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._texts, name)


def test_the_slower_of_two_erasures_is_told_so(redis_client: Redis, book: ContactBook) -> None:
    """409, and one entry for the one that erased the contact."""
    contact_id = book.create({"name": NAME})["id"]
    slower = erasure_on(redis_client)
    Overtaken(slower, erasure_on(redis_client), contact_id)
    with pytest.raises(Conflict, match="Another request has erased"):
        slower.erase(contact_id)
    assert erased(redis_client) == [(stands_for(redis_client, contact_id), None)]


def test_an_erasure_whose_answer_was_lost_is_its_own(redis_client: Redis, book: ContactBook) -> None:
    """The script comes again, finds nobody, and knows that it was itself."""
    contact_id = book.create({"name": NAME})["id"]
    erasure = erasure_on(redis_client)
    script = erasure._contacts._erase
    erasure._contacts._erase = lambda **args: (script(**args), script(**args))[1]  # type: ignore[assignment]
    assert erasure.erase(contact_id)["found"]["contacts"] == 1
    assert erased(redis_client) == [(stands_for(redis_client, contact_id), None)]
