"""What a robots.txt asks of us, however it was written, saved and put together."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bots.support.robots import Rules, own_rules, read_robots

SITE = "https://example.org"
NOBODY = "User-agent: *\nDisallow: /\n"
NOT_ADA = "User-agent: *\nDisallow: /ada\n"


def allows(file: str | bytes, path: str = "/ada", whole: bool = True) -> bool:
    """Whether a page may be visited under a file."""
    body = file.encode() if isinstance(file, str) else file
    return Rules(read_robots(body, whole)).allow(f"{SITE}{path}")


@pytest.mark.parametrize(
    "body",
    [
        NOT_ADA.encode(),
        codecs.BOM_UTF8 + NOT_ADA.encode(),
        codecs.BOM_UTF8 * 2 + NOT_ADA.encode(),
        codecs.BOM_UTF8[:2] + NOT_ADA.encode(),
        codecs.BOM_UTF8.decode("latin-1").encode() + NOT_ADA.encode(),
        codecs.BOM_UTF16_LE + NOT_ADA.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + NOT_ADA.encode("utf-16-be"),
        NOT_ADA.encode("utf-16-le"),
        NOT_ADA.encode("utf-16-be"),
        NOT_ADA.encode("utf-32"),
        codecs.BOM_UTF32_BE + NOT_ADA.encode("utf-32-be"),
        b"# caf\xe9\n" + NOT_ADA.encode(),
        b"User-agent: other\nDisallow:\n" + codecs.BOM_UTF8 + NOT_ADA.encode(),
        b"Sitemap: https://example.org/s.xml" + b"\n" + codecs.BOM_UTF8 + NOT_ADA.encode(),
        "\u200b\u00a0User-agent:\u00a0*\u00a0\n\u3000Disallow:\u200b/ada\u2003\n".encode(),
        b"\0" * 10 + NOT_ADA.encode(),
    ],
)
def test_a_file_means_the_same_in_whatever_encoding_it_was_saved(body: bytes) -> None:
    """With byte order marks at its start, doubled, cut, read wrongly, or between files that were put together."""
    assert not allows(body)
    assert allows(body, "/other")


@pytest.mark.parametrize(
    "agent",
    ["BotScheduler", "botscheduler", "BOTSCHEDULER", "BotScheduler/1.0", "BotScheduler/*", "BotScheduler 2",
     "BotScheduler*", "*BotScheduler*", "BotScheduler;", "BotScheduler (+https://example.org)", "BotScheduler # us",
     "BotScheduler\t", "BotScheduler.", "BotScheduler2"],
)  # fmt: skip
def test_our_name_ends_where_a_product_token_ends(agent: str) -> None:
    """In any case, with whatever follows it; what is for everybody does not count then."""
    assert not allows(f"User-agent: *\nAllow: /\n\nUser-agent: {agent}\nDisallow: /ada\n")
    assert allows(f"User-agent: {agent}\nDisallow:\n\n{NOBODY}")


@pytest.mark.parametrize(
    "agent",
    ["Bot", "Scheduler", "BotSchedulerPlus", "BotScheduler-News", "BotScheduler_x", "MyBotScheduler", "Bot Scheduler",
     "Mozilla/5.0 (compatible; BotScheduler/1.0)", "/BotScheduler", "1BotScheduler", "", "**", "Googlebot",
     "\u0412otScheduler"],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_another(agent: str) -> None:
    """The whole token counts, not a part of it (RFC 9309, 2.2.1)."""
    assert allows(f"User-agent: {agent}\nDisallow: /\n")
    assert not allows(f"User-agent: {agent}\nAllow: /\n\n{NOBODY}")


@pytest.mark.parametrize(
    "between",
    ["", "\n\n", "# a comment", "Sitemap: https://example.org/s.xml", "Host: example.org", "Crawl-delay: 2",
     "Noindex: /x", "Clean-param: ref /", "no directive at all", "Unknown:", ":", "Request-rate: 1/5",
     "Visit-time: 0400-0845", "Content-Signal: search=yes", "<br>", "Disallowed: /x", "Allowance: /x"],
)  # fmt: skip
@pytest.mark.parametrize("agents", [("BotScheduler", "Other"), ("Other", "BotScheduler"), ("*", "Other")])
def test_nothing_but_a_rule_ends_the_agents_of_a_group(agents: tuple[str, str], between: str) -> None:
    """An unknown line, a sitemap, a comment, a blank line between two agents: the rules are for both."""
    first, second = agents
    assert not allows(f"User-agent: {first}\n{between}\nUser-agent: {second}\n{between}\nDisallow: /ada\n")


@pytest.mark.parametrize("rule", ["Disallow:", "Allow: /", "Disallow: /x", "disallow", "Dissallow: /y"])
def test_a_rule_ends_the_agents_of_a_group(rule: str) -> None:
    """Also an empty one: the next agent begins another group."""
    assert allows(f"User-agent: BotScheduler\n{rule}\nUser-agent: Other\nDisallow: /ada\n")


def test_groups_with_our_name_count_together() -> None:
    """From wherever they stand in the file, and in whatever spelling; so do those for everybody."""
    file = (
        "User-agent: BotScheduler\nDisallow: /a\n\n{0}User-agent: x\nDisallow: /x\n\nUser-agent: botscheduler/2\n"
        "User-agent: BotScheduler\nDisallow: /b\n"
    )
    for text in (file.format(NOBODY), file.format("").replace("BotScheduler", "*").replace("botscheduler/2", "* x")):
        assert [allows(text, path) for path in ("/a", "/b", "/c", "/x")] == [False, False, True, True]


@pytest.mark.parametrize(
    "file",
    [
        "User-agent: *\rDisallow: /ada\r",
        "User-agent: *\r\nDisallow: /ada",
        "\r\n\r\nUser-agent: *\r\r\nDisallow: /ada\n\r",
        "User-agent : *\nDisallow : /ada\n",
        "  User-agent\t:\t*\n\tDisallow\t:/ada",
        "USER-AGENT:*\nDISALLOW:/ada#comment",
        "User-agent: * # everybody\nDisallow: /ada # and all below\n",
        "User-agent *\nDisallow /ada\n",
        "User agent: *\nDissallow: /ada\n",
        "useragent:*\ndisalow: /ada",
        "User-agent: *\n# Disallow: /x\x85Allow: /ada\nDisallow: /ada",
        "User-agent: *\n# one\u2028Allow: /ada\nDisallow: /ada",
        "<pre>\nUser-agent: *\nDisallow: /ada\n</pre>",
        "User-agent: *\nDisallow:\nDisallow: /ada",
    ],
)
def test_a_line_means_the_same_however_it_was_typed(file: str) -> None:
    """Line ends of all systems, blanks around the colon, comments behind values, the usual slips."""
    assert not allows(file)
    assert allows(file, "/x")


@pytest.mark.parametrize(
    "file",
    [
        "",
        "# nothing",
        "<!DOCTYPE html><html><head><title>Not found</title></head><body>Disallow: /</body></html>",
        "<html>\n<p>User-agent: *</p>\n<p>Disallow: /</p>\n</html>",
        '{"User-agent": "*", "Disallow": "/"}',
        "Disallow: /\nUser-agent: *\n",
        "Disallow: /\n",
        "User-agent: *\nDisallow:\n",
        "User-agent: *\nDisallow: # nothing\n",
        "//User-agent: *\n//Disallow: /\n",
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "User-agent",
    ],
)
def test_what_holds_no_rule_for_us_forbids_nothing(file: str) -> None:
    """A web page in place of a robots.txt, rules of nobody, an empty rule."""
    assert allows(file)


@pytest.mark.parametrize(
    ("rule", "path", "allowed"),
    [
        ("/caf%C3%A9", "/caf%C3%A9", False),
        ("/café", "/caf%C3%A9", False),
        ("/caf%c3%a9", "/caf%C3%A9/menu", False),
        ("/%7Eada", "/~ada", False),
        ("/~ada", "/%7Eada", False),
        ("/a%2Fb", "/a/b", True),
        ("/a%2fb", "/a%2Fb", False),
        ("/a b", "/a%20b", False),
        ("/a%20b", "/a%20b/c", False),
        ("/?q=%E4%BD%A0", "/?q=你".encode().decode("latin-1"), True),
        ("/%61da", "/ada", False),
        ("/ADA", "/ada", True),
        ("/*.pdf$", "/a/b.pdf", False),
        ("/*.pdf$", "/a/b.pdf?x=1", True),
        ("/a*/c", "/ab/x/c/d", False),
        ("/a$", "/a", False),
        ("/a$", "/ab", True),
        ("/a\x85b", "/a%C2%85b", False),
        ("/100%", "/100%25", False),
    ],
)
def test_paths_are_compared_percent_encoded(rule: str, path: str, allowed: bool) -> None:
    """As RFC 9309, 2.2.2 and 2.2.3, has it."""
    assert allows(f"User-agent: *\nDisallow: {rule}\n", path) is allowed


def test_the_longest_rule_counts_and_an_allowance_before_a_ban() -> None:
    """Whatever their order."""
    file = "User-agent: *\nDisallow: /a\nAllow: /a/open\nDisallow: /a/open/not\nDisallow: /b\nAllow: /b\n"
    found = {path: allows(file, path) for path in ("/a", "/a/open", "/a/open/not/x", "/b")}
    assert found == {"/a": False, "/a/open": True, "/a/open/not/x": False, "/b": True}


@pytest.mark.parametrize(
    ("told", "delay"),
    [("7", 7.0), ("0.5 # s", 0.5), ("-1", 0.0), ("nan", 0.0), ("inf", 0.0), ("1e400", 0.0), ("soon", 0.0), ("", 0.0),
     ("\u0663", 0.0)],
)  # fmt: skip
def test_a_delay_is_a_number_of_seconds(told: str, delay: float) -> None:
    """A text that is not a number asks for nothing."""
    assert Rules(f"User-agent: BotScheduler/1.0\nCrawl-delay: {told}\n").delay == delay
    assert Rules("User-agent: other\nCrawl-delay: 9\nDisallow:\n").delay == 0.0


def test_the_last_line_of_a_file_that_was_cut_does_not_count() -> None:
    """It may have said more: `Allow: /` is the beginning of `Allow: /open`."""
    file = "User-agent: *\nDisallow: /a\nAllow: /ada"
    assert allows(file) and not allows(file, whole=False)
    assert not allows(file.replace("\n", "\r"), whole=False)
    assert allows(file.replace("\n", " "), whole=False)


@pytest.mark.parametrize(
    "file",
    [
        "".join(f"User-agent: a{n}\n" for n in range(15_000)) + "User-agent: *\n" + "Disallow: /x\n" * 15_000,
        "User-agent: *\n" * 15_000 + "Disallow: /x\n" * 15_000,
        "User-agent: BotScheduler\nUser-agent: *\n" * 8_000 + "Disallow: /x\n" * 15_000,
    ],
    ids=["many agents", "everybody again and again", "we again and again"],
)
def test_a_long_file_keeps_its_length(file: str) -> None:
    """Agents times rules would be gigabytes."""
    assert len(own_rules(file)) <= len(file)
    assert not allows(file, "/x") and allows(file)


@given(st.text(alphabet=st.sampled_from("UuserSagntBotCh*:/#-_ .\r\n\t\x85\u2028\ufeff\0é%dilowDA$") | st.characters()))
def test_what_is_remembered_means_the_same_again(text: str) -> None:
    """Whatever the text is, reading it never fails, and our own rules are read as they were written."""
    own = read_robots(text.encode("utf-8", "surrogatepass"))
    assert own_rules(own) == own
    Rules(own).allow(f"{SITE}/ada")
