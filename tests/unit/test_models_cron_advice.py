"""What a refused cron expression is answered with: what to write instead."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import next_after, validate_schedule
from service.domain.schedules.cron import parse_cron
from service.domain.schedules.cron_steps import refuse_idle_steps
from service.domain.schedules.definition import Cron
from service.errors import ValidationFailed

DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def refused(expression: str) -> str:
    """Why an expression is refused."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_cron(expression, "x")
    return refusal.value.errors[0].message


@pytest.mark.parametrize(
    ("expression", "ending"),
    [
        # ranges round the end
        ("0 8 * * fri-mon", 'upwards, not "fri-mon"; write "0 8 * * fri,sat,sun,mon" instead'),
        ("0 8 * * sat-sun", 'not "sat-sun"; write "0 8 * * sat,sun" instead'),
        ("0 8 * nov-feb *", 'not "nov-feb"; write "0 8 * nov,dec,jan,feb *" instead'),
        ("0 22-6 * * *", 'not "22-6"; write "0 22-23,0-6 * * *" instead'),
        ("0 22-6/2 * * *", 'not "22-6/2"; write "0 22,0,2,4,6 * * *" instead'),
        ("0 8 25-5 * *", 'not "25-5"; write "0 8 25-31,1-5 * *" instead'),
        ("0 8 * * 5-1", 'not "5-1"; write "0 8 * * 5-6,0-1" instead'),
        ("0 8 * * 7-2", 'not "7-2"; write "0 8 * * 0-2" instead'),
        ("0 8 * * mon,fri-1", 'not "mon,fri-1"; write "0 8 * * mon,5-6,0-1" instead'),
        # more fields than five
        ("0 0 8 * * 1", '; leave out the seconds, which come first: write "0 8 * * 1"'),
        ("0 0 8 * * MON-FRI", '; leave out the seconds, which come first: write "0 8 * * mon-fri"'),
        ("0 0 12 * * ?", '; leave out the seconds, which come first: write "0 12 * * *"'),
        ("0 0 8 * * *", (
            '; leave out the seconds, which come first: write "0 8 * * *", '
            'or the year, which comes last: write "0 0 8 * *"'
        )),
        ("* * * * * *", '; leave out the seconds, which come first: write "* * * * *"'),
        ("*/10 * * * * *", (
            "; leave out the seconds, which come first; "
            'for every 10 of them use the schedule type "interval" with {"seconds": 10}'
        )),
        ("0 8 * * * 2027", '; leave out the year, which comes last: write "0 8 * * *"'),
        ("0 8 * * 1 2025-2030", '; leave out the year, which comes last: write "0 8 * * 1"'),
        ("0 0 8 * * ? 2027", (
            '; leave out the seconds, which come first, and the year, which comes last: write "0 8 * * *"'
        )),
        ("0 0 12 ? * 2-6", (
            "; leave out the seconds, which come first, and name the days of the week (mon to sun), "
            "since their numbers differ"
        )),
        ("0 8 * * * /usr/bin/greet", '; leave out everything after the fifth field: write "0 8 * * *"'),
        ("0 8 * * * root greet --all", '; leave out everything after the fifth field: write "0 8 * * *"'),
        ("0 8 * * *\n0 9 * * *\n", "; create a job for each line"),
        # names
        ("0 8 * * MONDAY", '; write "0 8 * * mon" instead'),
        ("0 8 * JANUARY *", '; write "0 8 * jan *" instead'),
        ("0 8 * september tuesday,Thurs", '; write "0 8 * sep tue,thu" instead'),
        ("0 8 * * Monday-Friday", '; write "0 8 * * mon-fri" instead'),
        ("0 8 * * saturday-monday", '; write "0 8 * * sat,sun,mon" instead'),
        ("0 8 * * Mo,WE-fr", '; write "0 8 * * mon,wed-fri" instead'),
        ("0 8 * Sept weds,thurs", '; write "0 8 * sep wed,thu" instead'),
        ("0 8 * * weekdays", '; write "0 8 * * mon-fri" instead'),
        # letters of other schedulers
        ("0 8 ? * 1-5", '; write "0 8 * * 1-5" instead'),
        ("0 8 L * *", 'the last day of a month, but the schedule type "monthly" has one; the nearest is "0 8 28 * *"'),
        ("0 8 L-3 * ?", 'say so many days before the last day of a month; the nearest is "0 8 28 * *"'),
        ("0 8 LW * *", 'last workday of a month, but the schedule type "monthly" has one; the nearest is "0 8 28 * *"'),
        ("0 8 15W * *", '; crontab(5) has no way to say the workday nearest to a date; the nearest is "0 8 15 * *"'),
        ("0 8 * * 5L", 'in a month, but the schedule type "monthly" has one; the nearest is "0 8 * * 5"'),
        ("0 8 * * FRIDAY#2", 'of a month, but the schedule type "monthly" has one; the nearest is "0 8 * * fri"'),
        ("0 8 15W,L * *", 'the workday nearest to a date or the last day of a month; the nearest is "0 8 15,28 * *"'),
        ("0 8 * * 1#1", 'the nearest is "0 8 * * 1"'),
        ("H * * * *", '(options.jitter_seconds spreads the runs); the nearest is "0 * * * *"'),
        ("H/15 * * * *", 'the nearest is "*/15 * * * *"'),
        ("H(5-29)/10 H(2-4) * * *", 'the nearest is "5-29/10 2 * * *"'),
        ("0~30 * * * *", 'the nearest is "0 * * * *"'),
        # nicknames, and other types of schedules
        ("daily", '; write "0 0 * * *" instead'),
        ("Yearly", '; write "0 0 1 1 *" instead'),
        ("hourly", '; write "0 * * * *" instead'),
        ("@reboot", "; no schedule fires at a start: run the job by hand, with POST /scheduler/jobs/{id}/run"),
        ("@every 5m", '; use the schedule type "interval" with {"minutes": 5} instead'),
        ("@every 1h30m", '; use the schedule type "interval" with {"hours": 1, "minutes": 30} instead'),
        ("@every 90s", '; use the schedule type "interval" with {"minutes": 1, "seconds": 30} instead'),
        ("@every 1.5h", '; use the schedule type "interval" instead'),
        ("@every 500ms", '; use the schedule type "interval" instead'),
        ("@every 9999999h", '; use the schedule type "interval" instead'),
        ("every 2 hours", '; use the schedule type "interval" with {"hours": 2} instead'),
        ("rate(5 minutes)", '; use the schedule type "interval" with {"minutes": 5} instead'),
        ("cron(0 8 ? * MON-FRI 2027)", '; leave out the year, which comes last: write "0 8 * * mon-fri"'),
        ("08:30", '; use the schedule type "daily" with {"hour": 8, "minute": 30} instead'),
        # zones within the expression
        ("CRON_TZ=Asia/Seoul 0 8 * * *", '; write "0 8 * * *", and name the zone in the field timezone: "Asia/Seoul"'),
        ("TZ=UTC 0 8 * * MONDAY", '; write "0 8 * * mon", and name the zone in the field timezone: "UTC"'),
        ("tz=Asia/Tokyo @daily", '; write "0 0 * * *", and name the zone in the field timezone: "Asia/Tokyo"'),
        # slips of the pen
        ("5/15 * * * *", '; write "5-59/15 * * * *" instead'),
        ("0 8 * * 1–5", '; write "0 8 * * 1-5" instead'),
        ("0 8 1;15 * *", '; write "0 8 1,15 * *" instead'),
        ('"0 8 * * *"', '; write "0 8 * * *" instead'),
        # nothing is guessed
        ("0 8 * * monkey", 'not "monkey"'),
        ("0 8 * *", 'not 4: "0 8 * *"'),
        ("60 8 * * MONDAY", 'not "60"'),
        ("every monday", 'not 2: "every monday"'),
        ("@weekdays", 'not 1: "@weekdays"'),
        ("foo", 'not 1: "foo"'),
        ("0 8 * ma *", 'not "ma"'),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_write_instead(expression: str, ending: str) -> None:
    """What crontab(5) can say is written out; of the rest the nearest is told; nothing where it cannot be known."""
    sentence = refused(expression)
    assert sentence.endswith(ending)
    assert len(sentence) < 400
    assert sentence.count(" not ") == 1
    for written in re.findall(r'(?:write|nearest is) "([^"]+)"', sentence):
        parse_cron(written, "x")


def wrapped(low: int, high: int, names: list[str]) -> st.SearchStrategy[tuple[str, set[int]]]:
    """A range that goes round the end of its field, and what it means."""
    size = high - low + 1

    def of(ends: set[int], step: int, named: bool) -> tuple[str, set[int]]:
        first, last = max(ends), min(ends)
        means = {low + (value - low) % size for value in range(first, last + size + 1, step)}
        said = [names[value - low] if named and names else str(value) for value in (first, last)]
        return "-".join(said) + (f"/{step}" if step > 1 else ""), means

    return st.builds(
        of, st.sets(st.integers(low, high), min_size=2, max_size=2), st.integers(1, size - 1), st.booleans()
    )


@given(
    st.tuples(wrapped(0, 59, []), wrapped(0, 23, []), wrapped(1, 31, []), wrapped(1, 12, MONTHS), wrapped(0, 6, DAYS))
)
@settings(max_examples=200)
def test_a_range_round_the_end_is_written_out_as_it_is_meant(fields: tuple[tuple[str, set[int]], ...]) -> None:
    """Each of the five, one at a time, with and without a step: what is to be written has just these values."""
    for index, (range_, means) in enumerate(fields):
        sentence = refused(" ".join(["*"] * index + [range_] + ["*"] * (4 - index)))
        written = re.search(r'; write "([^"]+)" instead$', sentence)
        if written is None:  # too long to be shown
            assert len(means) > 15
            continue
        parsed = parse_cron(written[1], "x")
        assert (parsed.minutes, parsed.hours, parsed.days, parsed.months, parsed.weekdays)[index] == means


@given(st.text(alphabet="0123456789*/,-~ \tLWH#?@sunjaMONeveryTZ=()\n:", max_size=60))
@settings(max_examples=500)
def test_no_text_breaks_the_advice(text: str) -> None:
    """Whatever is to be written is an expression, and the sentence stays short."""
    try:
        parse_cron(text, "x")
    except ValidationFailed as refusal:
        sentence = refusal.errors[0].message
        assert len(sentence) < 1000
        for written in re.findall(r'(?:; write|nearest is|: write) "([^"]+)"', sentence):
            parse_cron(written, "x")


@pytest.mark.parametrize(
    "text", ["TZ=a " * 199, "cron(" * 160 + ")" * 160, "@every " + "1h" * 490, "0 0 * * " + "mon-" * 240, "* " * 499,
             "0 0 * * " + "monday," * 130, "9" * 900 + "h"],
)  # fmt: skip
def test_long_nonsense_is_refused_shortly(text: str) -> None:
    """However often it repeats what would be understood once."""
    assert len(refused(text)) < 400


# Steps


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("*/90 * * * *", (
            'must have steps that come round: "*/90" in its minute means once an hour, which is written "0"; '
            'for every 90 minutes use the schedule type "interval" with {"hours": 1, "minutes": 30}'
        )),
        ("0 */48 * * *", (
            'must have steps that come round: "*/48" in its hour means once a day, which is written "0"; '
            'for every 48 hours use the schedule type "interval" with {"hours": 48}'
        )),
        ("0 8 */40 * *", (
            'must have steps that come round: "*/40" in its day-of-month means once a month, which is written "1"; '
            'for every 40 days use the schedule type "daily" with {"every": 40}'
        )),
        ("0 8 1 */13 *", (
            'must have steps that come round: "*/13" in its month means once a year, which is written "1"; '
            "a cron expression cannot say a longer time"
        )),
        ("0 8 * * */8", (
            'must have steps that come round: "*/8" in its day-of-week means once a week, which is written "0"; '
            'for every 8 days use the schedule type "daily" with {"every": 8}'
        )),
        ("*/61 * * * *", (
            'must have steps that come round: "*/61" in its minute means once an hour, which is written "0"; '
            'for every 61 minutes use the schedule type "interval" with {"hours": 1, "minutes": 1}'
        )),
        ("5,*/90 * * * *", (
            'must have steps that come round: "*/90" in its minute means once an hour, which is written "0"; '
            'for every 90 minutes use the schedule type "interval" with {"hours": 1, "minutes": 30}'
        )),
        ("0-59/75 * * * *", (
            'must have steps that come round: "0-59/75" in its minute means once an hour, which is written "0"; '
            'for every 75 minutes use the schedule type "interval" with {"hours": 1, "minutes": 15}'
        )),
        ("0 0 */999999999 * *", (
            'must have steps that come round: "*/999999999" in its day-of-month means once a month, '
            'which is written "1"; a cron expression cannot say a longer time'
        )),
        ("5-20/30 * * * *", 'must have steps that come round: "5-20/30" in its minute means 5 alone; write "5"'),
        ("0 8-18/12 * * *", 'must have steps that come round: "8-18/12" in its hour means 8 alone; write "8"'),
        ("0 8 * * mon-wed/3", (
            'must have steps that come round: "mon-wed/3" in its day-of-week means 1 alone; write "mon"'
        )),
    ],
)  # fmt: skip
def test_a_step_that_never_comes_round_is_refused(expression: str, message: str) -> None:
    """Saying what it means, and what to write for what was probably meant; crontab(5) itself takes it."""
    parse_cron(expression, "x")
    with pytest.raises(ValidationFailed) as refusal:
        validate_schedule(Cron(expression), Options(), 0)
    assert [(error.field, error.message) for error in refusal.value.errors] == [
        ("schedule_config.cron_expression", message)
    ]


@pytest.mark.parametrize(
    "expression",
    ["*/60 * * * *", "0 */24 * * *", "0 8 */31 * *", "0 8 1 */12 *", "0 8 * * */7", "*/40 * * * *", "*/59 * * * *",
     "0 8-8/2 * * *", "5-35/30 * * * *", "0 8-18/10 * * *", "* * * * *", "1-5 * * * *", "0 0 1 jan-dec/3 sun-sat/2"],
)  # fmt: skip
def test_a_step_that_means_what_it_says_is_taken(expression: str) -> None:
    """As long as its field, uneven, or after a single value: it does what it says, and crontab(5) knows it."""
    refuse_idle_steps(expression, "x")
    validate_schedule(Cron(expression), Options(), 0)


def test_a_stored_step_goes_on_and_binds_only_itself() -> None:
    """The expression that is stored is let pass, as it was understood ever since; another is not."""
    stored = Cron("*/90 * * * *")
    assert [next_after(stored, 0, 0), next_after(stored, 3600, 0)] == [3600, 7200]
    validate_schedule(stored, Options(), 0, Cron("*/90 * * * *"))
    with pytest.raises(ValidationFailed):
        validate_schedule(Cron("*/95 * * * *"), Options(), 0, Cron("*/90 * * * *"))


def test_a_letter_that_only_looks_like_one_of_crontab_is_refused() -> None:
    """Upper case makes FRI of it. It is refused where it is set; a job that has it already goes on."""
    schedule = Cron("0 8 * * frı")
    with pytest.raises(ValidationFailed, match=r'must be made of ASCII letters.*frı"; write "0 8 \* \* fri" instead'):
        validate_schedule(schedule, Options(), 0)
    validate_schedule(schedule, Options(), 0, schedule)
    assert refused("0 8 * * frıday").endswith('; write "0 8 * * fri" instead')
