"""Log lines: JSON or text, one line an event, the ids of what it belongs to beside it, and no secrets."""

from __future__ import annotations

import json
import logging
import logging.config
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from io import StringIO
from typing import Any

import pytest
from freezegun import freeze_time

from service import logs
from service.logs import frequent
from service.secrecy import redaction
from service.secrecy.redaction import Redaction

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

    monkeypatch.setattr(redaction, "_present", Redaction({}))
    yield start, output
    root.handlers[:], root.level = handlers, level


def only(output: StringIO) -> dict[str, Any]:
    """The one line, as JSON."""
    (line,) = output.getvalue().splitlines()
    return dict(json.loads(line))


def test_a_line_of_json_tells_when_where_and_what(lines: tuple[Start, StringIO]) -> None:
    """Time in UTC, level, message, logger, process: in this order, so that people can read it too."""
    start, output = lines
    start()
    logging.getLogger("service.scheduler.scheduler").warning("Redis is away (%s)", "no answer")
    found = only(output)
    assert list(found) == ["time", "level", "message", "logger", "process", "pid"]
    assert found["time"].endswith("Z")
    assert (found["level"], found["message"]) == ("warning", "Redis is away (no answer)")
    assert (found["logger"], found["process"]) == ("service.scheduler.scheduler", "worker")


def test_what_is_bound_is_on_every_line_within(lines: tuple[Start, StringIO]) -> None:
    """And on none after; what a single line has of its own is kept."""
    start, output = lines
    start()
    log = logging.getLogger("service.worker.runner")
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
        logging.getLogger("service.web.api").error("%s failed", evil)
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
            logging.getLogger("service.web.api").exception("It failed")
    first, *rest = output.getvalue().splitlines()
    assert " ERROR service.web.api: It failed run_id=r" in first and " web[" in first
    assert rest[0].startswith("Traceback") and rest[-1] == "ValueError: odd \\x1b[31m"


def test_json_holds_the_traceback(lines: tuple[Start, StringIO]) -> None:
    """In the same line."""
    start, output = lines
    start()
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("service.web.api").exception("It failed")
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


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_secret_is_told_by_what_stands_beside_a_line(lines: tuple[Start, StringIO], format: str) -> None:
    """Lists, objects, exceptions, bytes and things that show it: all that is no number is looked at."""
    start, output = lines
    start(format)

    class Odd:
        def __repr__(self) -> str:
            return "<sesame-open>"

    beside = {
        "a": ["sesame-open", {"b": "x sesame-open"}],
        "c": b"sesame-open",
        "d": Odd(),
        "e": ValueError("sesame-open"),
    }
    logging.getLogger("service.web.api").warning("It is %r", Odd(), extra={**beside, "n": 1})
    told = output.getvalue()
    assert told.count("[API_KEY]") == 6 and "sesame-open" not in told


@pytest.mark.parametrize("format", ["json", "text"])
def test_a_line_that_cannot_be_put_together_shows_no_argument(
    lines: tuple[Start, StringIO], format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own way would print the arguments to standard error; here its place is told in a line."""
    start, output = lines
    start(format)
    logging.getLogger("service.bots").info("%d of %s", "sesame-open")
    assert "A line of service.bots, test_logs:" in output.getvalue() and "TypeError" in output.getvalue()
    assert "sesame-open" not in output.getvalue() and capsys.readouterr().err == ""


def test_what_python_would_print_by_itself_is_logged_without_secrets(
    lines: tuple[Start, StringIO], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that ends a thread, or that nobody can catch, and a warning."""
    start, output = lines
    for hook in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(sys, hook, getattr(sys, hook))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    start()
    logs.hook_up()

    class Odd:
        def __del__(self) -> None:
            raise ValueError("sesame-open")

    try:
        thread = threading.Thread(target=lambda: int("sesame-open"))
        thread.start()
        thread.join()
        odd = Odd()
        del odd
        sys.excepthook(ValueError, ValueError("sesame-open"), None)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(True)
            warnings.warn("sesame-open", stacklevel=1)
    finally:
        logging.captureWarnings(False)
    told = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [line["logger"] for line in told] == ["service.uncaught"] * 3 + ["py.warnings"]
    assert "sesame-open" not in output.getvalue() and output.getvalue().count("[API_KEY]") >= 4
    assert capsys.readouterr().err == ""


def test_words_are_not_taken_for_secrets() -> None:
    """What is short, public, or common in a URL stays."""
    environment = SECRETS | {"API_KEY_PREVIOUS": "key", "LOG_LEVEL": "WARNING", "ALERT_URL": ""}
    text = "smtp.example.org refuses {email}: WARNING, the key of default is old; mailtos"
    assert Redaction.of(environment).applied(text) == text
    assert Redaction.of(environment).applied("API_KEY=sesame-open") == "API_KEY=[API_KEY]"


def test_a_loggers_name_tells_no_secret(lines: tuple[Start, StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """A library may name its logger by what it connects to."""
    monkeypatch.setenv("BOT_SECRET_X", "sesame-open-0123456789")
    start, output = lines
    start()
    logging.getLogger("client.sesame-open-0123456789").warning("gone")
    assert "sesame" not in output.getvalue()
    assert only(output)["logger"] == "client.[BOT_SECRET_X]"


IDS = {"job_id": "2d1b4ba2", "run_id": "2d1b4ba2-77", "occurrence": "2030-01-01T00:00:00Z", "request_id": "r"}
_horse_log = logging.getLogger("service.worker.horse")
Change = Callable[[], AbstractContextManager[object]]


def _ended(output: StringIO) -> list[str]:
    """The lines about ended runs. A thread that another test has left may log while the clock is another one."""
    return [line for line in output.getvalue().splitlines() if "has ended after" in line]


def _usual(ids: dict[str, str]) -> None:
    """What `run_ended` stands for."""
    args = ids["run_id"], ids["job_id"], 0.0125
    _horse_log.info("Run %s of job %s has ended after %.3f s", *args, extra=ids)


def _with_root_filter() -> AbstractContextManager[object]:
    (handler,) = logging.root.handlers
    stack = ExitStack()
    handler.addFilter(drop := lambda record: "77" not in record.getMessage())
    stack.callback(handler.removeFilter, drop)
    return stack


def _with_level(logger: str, level: str) -> AbstractContextManager[object]:
    stack, log = ExitStack(), logging.getLogger(logger)
    stack.callback(log.setLevel, log.level)
    log.setLevel(level)
    return stack


def _with_factory() -> AbstractContextManager[object]:
    stack, usual = ExitStack(), logging.getLogRecordFactory()

    def marked(*args: Any, **named: Any) -> logging.LogRecord:
        record = usual(*args, **named)
        record.marked = True
        return record

    logging.setLogRecordFactory(marked)
    stack.callback(logging.setLogRecordFactory, usual)
    return stack


def _of_run(ids: dict[str, str]) -> AbstractContextManager[object]:
    stack = ExitStack()
    logs.set_run(ids)
    stack.callback(logs.set_run, None)
    return stack


@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("at", ["2030-01-01 00:00:00", "2030-01-01 00:00:00.000120"])
@pytest.mark.parametrize(
    "ids",
    [
        IDS,
        {"job_id": "j", "run_id": "r"},
        IDS | {"request_id": 'x"y'},
        IDS | {"request_id": "x\\y"},
        IDS | {"request_id": "ä\n\u2028\udcff"},
        IDS | {"request_id": "sesame-open"},
        IDS | {"request_id": "x mail-pass"},
        IDS | {"job_id": "whsec_c2VjcmV0c2VjcmV0"},
        IDS | {"request_id": "c2VjcmV0...2VjcmV0"},
    ],
    ids=["all", "few", "quote", "backslash", "odd", "secret", "password", "secret job", "shortened secret"],
)
def test_the_line_of_an_ended_run_is_the_one_of_logging(
    lines: tuple[Start, StringIO], format: str, at: str, ids: dict[str, str]
) -> None:
    """Byte by byte, whether it takes the short way or not, with the run's ids set and without."""
    start, output = lines
    start(format)
    with freeze_time(at):
        for set_ids in (None, ids):
            with _of_run(set_ids or {}):
                frequent.run_ended(_horse_log, ids, 0.0125)()
                _usual(ids)
    first, *others = _ended(output)
    assert others == [first] * 3
    assert not any(secret in first for secret in (*SECRETS.values(), "mail-pass"))


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (_with_root_filter, False),
        (lambda: _with_level("service", "WARNING"), False),
        (lambda: _with_level("service.worker.horse", "ERROR"), False),
        (lambda: logs.bound(request_id="other", more="1"), True),
        (lambda: _of_run({"job_id": "other", "other": "x"}), True),
        (_with_factory, True),
    ],
    ids=["filter", "level", "own level", "bound", "another run", "record factory"],
)
def test_the_line_of_an_ended_run_heeds_what_logging_was_told(
    lines: tuple[Start, StringIO], change: Change, written: bool
) -> None:
    """Levels, filters, values that are bound, and a factory that adds to every line."""
    start, output = lines
    start()
    with freeze_time("2030-01-01"), change():
        frequent.run_ended(_horse_log, IDS, 0.0125)()
        _usual(IDS)
    told = _ended(output)
    assert len(told) == 2 * written and len(set(told)) <= 1


def test_a_handler_that_was_added_gets_the_line_of_an_ended_run(lines: tuple[Start, StringIO]) -> None:
    """At the logger itself and at one above it."""
    start, output = lines
    start()
    for name in ("service.worker.horse", "service", None):
        log, told = logging.getLogger(name), StringIO()
        log.addHandler(handler := logging.StreamHandler(told))
        try:
            frequent.run_ended(_horse_log, IDS, 0.0125)()
        finally:
            log.removeHandler(handler)
        assert told.getvalue() == "Run 2d1b4ba2-77 of job 2d1b4ba2 has ended after 0.013 s\n"
    assert len(output.getvalue().splitlines()) == 3


def test_the_line_of_an_ended_run_takes_the_short_way(
    lines: tuple[Start, StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write, and no record is made, where nothing was changed."""
    start, output = lines
    start()
    written: list[str] = []
    monkeypatch.setattr(output, "write", written.append)
    monkeypatch.setattr(logging.Logger, "makeRecord", lambda *_: pytest.fail("a record was made"))
    with _of_run(IDS):
        frequent.run_ended(_horse_log, IDS, 0.0125)()
    (line,) = written
    assert json.loads(line)["run_id"] == "2d1b4ba2-77" and line.endswith("}\n")


def test_the_ids_of_the_run_stand_beside_the_lines_of_every_thread(lines: tuple[Start, StringIO]) -> None:
    """Also of threads that it did not start; a line's own ids come before them."""
    start, output = lines
    start()
    with _of_run({"job_id": "j", "run_id": "r"}):
        thread = threading.Thread(target=_horse_log.info, args=("within",))
        thread.start()
        thread.join()
        _horse_log.info("of another", extra={"run_id": "other"})
    _horse_log.info("after")
    found = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [line.get("run_id") for line in found] == ["r", "other", None]
