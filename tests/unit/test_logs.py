"""Log lines: JSON or text, one line an event, the ids of what it belongs to beside it, and no secrets."""

from __future__ import annotations

import json
import logging
import logging.config
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest

from service import logs
from service.redaction import Redaction

SECRETS = {
    "API_KEY": "sesame-open",
    "REDIS_URL": "rediss://default:red%2Dis-pass@redis.example.org:6379/0",
    "MESSAGE_URL": "mailtos://me:mail-pass@smtp.example.org?to={email} tgram://123456789:AAF1b2c3d4e5/{phone}/",
    "BOT_SECRET_HOOK": "whsec_c2VjcmV0c2VjcmV0",
}
Start = Callable[..., None]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Start, StringIO]]:
    """Sets logging up as a process does, and gives what it writes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = StringIO()
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    def start(format: str = "json", process: str = "worker") -> None:
        logging.config.dictConfig(logs.config(process, "INFO", format))
        (handler,) = root.handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(output)

    logs.begin()
    yield start, output
    logs.begin()
    root.handlers[:], root.level = handlers, level


def only(output: StringIO) -> dict[str, Any]:
    """The one line, as JSON."""
    (line,) = output.getvalue().splitlines()
    return dict(json.loads(line))


def test_a_line_of_json_tells_when_where_and_what(lines: tuple[Start, StringIO]) -> None:
    """Time in UTC, level, message, logger, process: in this order, so that people can read it too."""
    start, output = lines
    start()
    logging.getLogger("service.dispatch").warning("Redis is away (%s)", "no answer")
    found = only(output)
    assert list(found) == ["time", "level", "message", "logger", "process", "pid"]
    assert found["time"].endswith("Z")
    assert (found["level"], found["message"]) == ("warning", "Redis is away (no answer)")
    assert (found["logger"], found["process"]) == ("service.dispatch", "worker")


def test_what_is_bound_is_on_every_line_within(lines: tuple[Start, StringIO]) -> None:
    """And on none after; what a single line has of its own is kept."""
    start, output = lines
    start()
    log = logging.getLogger("service.runner")
    with logs.bound(job_id="j", run_id="r"):
        log.info("within", extra={"occurrence": "2030-01-01T00:00:00"})
    log.info("after")
    within, after = (json.loads(line) for line in output.getvalue().splitlines())
    assert (within["job_id"], within["run_id"], within["occurrence"]) == ("j", "r", "2030-01-01T00:00:00")
    assert not {"job_id", "run_id", "occurrence"} & after.keys()


def test_what_a_bot_says_carries_its_run_in_every_thread(lines: tuple[Start, StringIO]) -> None:
    """Its logger's name holds the id, so that a thread of the bot's own needs nothing bound."""
    start, output = lines
    start()
    bot = logging.getLogger("service.run.2d1b4ba2-00a2-4041-8fde-3f9e60be44c9")
    thread = threading.Thread(target=bot.info, args=("found %d", 3))
    thread.start()
    thread.join()
    found = only(output)
    assert (found["logger"], found["run_id"]) == ("service.run", "2d1b4ba2-00a2-4041-8fde-3f9e60be44c9")
    assert found["message"] == "found 3"


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_line_can_be_forged(lines: tuple[Start, StringIO], format: str) -> None:
    """Line breaks of every kind and what steers a terminal are escaped, in messages and in what is beside them."""
    start, output = lines
    start(format)
    evil = "GET /\n2030-01-01 INFO forged\r\x1b[2J\u2028\x85\udcff"
    with logs.bound(request_id=evil):
        logging.getLogger("service.api").error("%s failed", evil)
    text = output.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n") and len(text.splitlines()) == 1
    assert "\x1b" not in text and text.encode()


def test_text_has_the_ids_beside_it_and_keeps_tracebacks(lines: tuple[Start, StringIO]) -> None:
    """For people: the sentence first, then the ids; a traceback line by line."""
    start, output = lines
    start("text", "web")
    try:
        raise ValueError("odd \x1b[31m")
    except ValueError:
        with logs.bound(run_id="r"):
            logging.getLogger("service.api").exception("It failed")
    first, *rest = output.getvalue().splitlines()
    assert " ERROR service.api: It failed run_id=r" in first and " web[" in first
    assert rest[0].startswith("Traceback") and rest[-1] == "ValueError: odd \\x1b[31m"


def test_json_holds_the_traceback(lines: tuple[Start, StringIO]) -> None:
    """In the same line."""
    start, output = lines
    start()
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("service.api").exception("It failed")
    assert only(output)["exception"].endswith("ValueError: odd")


@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("secret", ["sesame-open", "red%2Dis-pass", "red-is-pass", "mail-pass", "AAF1b2c3d4e5",
                                    "whsec_c2VjcmV0c2VjcmV0"])  # fmt: skip
def test_no_secret_of_the_settings_is_told(lines: tuple[Start, StringIO], format: str, secret: str) -> None:
    """Neither in a message nor in an exception nor in what is bound, whole or as the password of a URL."""
    start, output = lines
    start(format)
    try:
        raise ValueError(f"cannot sign in with {secret}")
    except ValueError:
        with logs.bound(request_id=f"x{secret}x"):
            logging.getLogger("service.messages").exception("The server at %s refuses %r", SECRETS["REDIS_URL"], secret)
    told = output.getvalue()
    assert "cannot sign in with" in told
    assert not any(value in told for value in (secret, *SECRETS.values()))


def test_words_are_not_taken_for_secrets() -> None:
    """What is short, public, or common in a URL stays."""
    environment = SECRETS | {"API_KEY_PREVIOUS": "key", "LOG_LEVEL": "WARNING", "ALERT_URL": ""}
    text = "smtp.example.org refuses {email}: WARNING, the key of default is old; mailtos"
    assert Redaction.of(environment).applied(text) == text
    assert Redaction.of(environment).applied("API_KEY=sesame-open") == "API_KEY=[API_KEY]"
