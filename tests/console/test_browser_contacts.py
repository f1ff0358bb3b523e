"""The address book in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.installation import ROOT, Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

EXAMPLE = ROOT / "examples" / "contacts.vcf"
CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:{}\nEND:VCARD\n"
WITHOUT_NAME = CARD.format("Fine One") + CARD.format("")


@pytest.fixture(autouse=True)
def empty(installation: Installation) -> None:
    """Each test begins with an empty address book."""
    while found := installation.call("GET", "/contacts?limit=200")[1]:
        for contact in found:
            installation.call("DELETE", f"/contacts/{contact['id']}")


def vcard(text: str, name: str = "book.vcf") -> FilePayload:
    return {"name": name, "mimeType": "text/vcard", "buffer": text.encode()}


def add(installation: Installation, name: str, **fields: object) -> str:
    status, contact = installation.call("POST", "/contacts", {"name": name, **fields})
    assert status == 201, contact
    return str(contact["id"])


def test_a_file_is_imported_with_its_progress_and_the_list_follows(page: Page) -> None:
    """How much is sent is told, then what became of it; the people are in the list at once."""
    page.goto("/contacts")
    expect(page.get_by_text("No contacts yet")).to_be_visible()
    page.evaluate(
        """() => {
            window.said = [];
            const place = document.getElementById("sent");
            new MutationObserver(() => window.said.push(place.textContent)).observe(place, { childList: true });
        }"""
    )
    page.get_by_label("Choose a file").set_input_files(EXAMPLE)
    expect(page.locator("#report")).to_contain_text("contacts.vcf: 8 new, 0 updated, 0 unchanged.")
    expect(page.locator("table.contacts tbody tr")).to_have_count(8)
    expect(page.locator("#sending")).to_be_hidden()
    said = page.evaluate("window.said")
    assert "contacts.vcf: 100% uploaded" in said
    assert said[-1] == "contacts.vcf: uploaded, importing"
    page.get_by_label("Choose a file").set_input_files(EXAMPLE)
    expect(page.locator("#report")).to_contain_text("0 new, 0 updated, 8 unchanged.")


def test_what_was_skipped_is_told_with_its_reason(page: Page) -> None:
    """The others of the file are imported."""
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(vcard(WITHOUT_NAME))
    expect(page.locator("#report")).to_contain_text("1 new, 0 updated, 0 unchanged, 1 skipped.")
    row = page.get_by_role("region", name="Skipped in book.vcf").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("2")
    expect(row).to_contain_text("name")


def test_files_are_imported_where_they_are_dropped(page: Page) -> None:
    """Several at once; one of them is refused in words, and does not keep the others out."""
    page.goto("/contacts")
    dropped = page.evaluate_handle(
        """(card) => {
            const data = new DataTransfer();
            data.items.add(new File(["\\u0000\\u0001 no book"], "picture.png"));
            data.items.add(new File([card], "book.vcf"));
            data.items.add(new File([], "empty.csv"));
            return data;
        }""",
        WITHOUT_NAME,
    )
    page.dispatch_event("#drop", "dragover", {"dataTransfer": dropped})
    expect(page.locator("#drop")).to_have_class("drop over")
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    expect(page.locator("#report")).to_contain_text("empty.csv: The file is empty.")
    expect(page.locator("#report .notice")).to_have_count(3)
    expect(page.locator("#report .notice.bad").first).to_contain_text("picture.png: ")
    expect(page.locator("#report")).to_contain_text("book.vcf: 1 new")
    expect(page.locator("table.contacts")).to_contain_text("Fine One")
    expect(page.locator("#drop")).to_have_class("drop")


def test_a_file_that_misses_the_place_does_no_harm(page: Page) -> None:
    """The page stays, and nothing is imported."""
    page.goto("/contacts")
    prevented = page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["BEGIN:VCARD"], "book.vcf"));
            const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
            document.querySelector("h1").dispatchEvent(event);
            return event.defaultPrevented;
        }"""
    )
    assert prevented is True
    expect(page.locator("#report")).to_be_hidden()


def answering(page: Page, **more: object) -> None:
    """Imports answer as if this file had been like that; what is asked for is kept in the page's `asked`."""
    answer = {
        "created": 2, "updated": 0, "unchanged": 0, "skipped": [], "skipped_total": 0, "warnings": [],
        "warnings_total": 0, "ignored_columns": [], "with_birthday": 1, "with_address": 2,
    } | more  # fmt: skip
    page.route("**/scheduler/contacts/import*", lambda route: route.fulfill(json=answer))


def test_how_many_have_a_birthday_and_what_was_not_understood_is_told(page: Page) -> None:
    """By the real service: the counts, and the headings that it left out, if any."""
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(
        vcard("name,birthday,email\nAda,1815-12-10,ada@example.org\nBob,,\n", "people.csv")
    )
    report = page.get_by_role("region", name="Import of people.csv")
    expect(report).to_contain_text("With a birthday: 1. With an e-mail address or a phone number: 1.")
    expect(report.get_by_role("button", name="Import again")).to_have_count(0)


EVIL = "<img src=x onerror=\"document.title='evil'\">"
LOST = [
    {"position": number, "name": f"Person {number}", "reason": f"the birthday “{number}/99” is not a date"}
    for number in range(1, 121)
]


def test_warnings_stand_beside_the_names_in_groups_that_open(page: Page) -> None:
    """Of one kind together, whatever they quote; bounded; a long group closed; names and headings are text."""
    hostile = {"position": 121, "name": EVIL, "reason": EVIL}
    whole = {"position": None, "name": None, "reason": "the file was read as windows-1252"}
    answering(
        page, warnings=[*LOST, hostile, whole],
        warnings_total=1500, ignored_columns=["Notes", EVIL, *map(str, range(200))],
    )  # fmt: skip
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(vcard("x"))
    report = page.get_by_role("region", name="Import of book.vcf")
    expect(report).to_contain_text("The file was read as windows-1252")
    expect(report.locator(".headings li")).to_have_count(100)
    expect(report.locator(".headings li").nth(1)).to_have_text(EVIL)
    many = report.locator("details", has_text="the birthday “…” is not a date (120)")
    expect(many.get_by_text("Person 1", exact=True)).to_be_hidden()
    many.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(many.locator("tbody tr")).to_have_count(100)
    expect(many.locator("tbody tr").first).to_have_text("1Person 1the birthday “1/99” is not a date")
    expect(report.get_by_role("cell", name=EVIL).first).to_be_visible()
    expect(report).to_contain_text("Only the first 101 of 1499 are shown.")
    expect(report.locator("img")).to_have_count(0)
    expect(page).to_have_title(re.compile("Contacts"))


def test_names_in_a_report_wrap_between_words_on_a_phone(page: Page) -> None:
    """Letters of a word stay together; an address that is longer than the screen does not widen the page."""
    page.set_viewport_size({"width": 360, "height": 740})
    lost = [
        {"position": 1, "name": "Dieter Schneider", "reason": "the birthday “31 June 1990” is not a date " * 3},
        {"position": 2, "name": f"{'a' * 60}@example.org", "reason": "lost"},
    ]
    answering(page, warnings=lost, warnings_total=2)
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(vcard("x"))
    name = page.get_by_role("cell", name="Dieter Schneider")
    lines = """cell => {
        const all = document.createRange();
        all.selectNodeContents(cell);
        return all.getClientRects().length;
    }"""
    assert name.evaluate(lines) <= 2
    expect(page.get_by_text("headings and blank lines do not count")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    table = page.locator("#report .skips").last
    assert table.evaluate("place => place.scrollWidth - place.clientWidth") <= 0, table.evaluate("p => p.outerHTML")


def test_a_file_is_imported_again_as_somebody_says_it_is_to_be_read(page: Page, installation: Installation) -> None:
    """The form opens by itself where the file's warnings name it; the same file's report is then the new one."""
    page.goto("/contacts")
    answering(page, warnings=[{"position": None, "name": None, "reason": "read month first; say date_order"}],
              warnings_total=1)  # fmt: skip
    page.get_by_label("Choose a file").set_input_files(
        vcard("name,birthday,email\nAda,3/4/1990,ada@example.org\n,,\n", "people.csv")
    )
    report = page.get_by_role("region", name="Import of people.csv")
    report.get_by_label("which comes first?").select_option(label="the day (3 April)")
    report.get_by_label("encoding").select_option("windows-1250")
    page.unroute_all()
    with page.expect_request("**/scheduler/contacts/import*") as asked:
        report.get_by_role("button", name="Import again").press("Enter")
    assert asked.value.url.endswith("/import?date_order=day&charset=windows-1250")
    expect(report).to_contain_text("1 new")
    expect(report).to_have_count(1)
    expect(report).to_be_focused()
    expect(page.locator("table.contacts")).to_contain_text("Ada")


def test_a_refusal_of_the_second_try_keeps_the_first_report(page: Page) -> None:
    """It stands above it, once, however often it comes."""
    page.goto("/contacts")
    answering(page, ignored_columns=["Notes"])
    page.get_by_label("Choose a file").set_input_files(vcard("x"))
    report = page.get_by_role("region", name="Import of book.vcf")
    report.get_by_text("Fix and import again").click()
    page.unroute_all()
    for _ in range(2):
        with page.expect_response("**/scheduler/contacts/import*"):
            report.get_by_role("button", name="Import again").click()
        expect(report.locator(".bad")).to_be_focused()
    expect(report.locator(".bad")).to_have_count(1)
    expect(report.locator(".bad")).to_contain_text("neither vCard")
    expect(report.locator(".headings")).to_be_visible()


def twins(page: Page, *names: str) -> None:
    """Contacts with one address and birthday, each from a card of its own, which no test before has merged."""
    card = "BEGIN:VCARD\nVERSION:3.0\nUID:{}\nFN:{}\nBDAY:1990-04-12\nEMAIL:t@x.org\nTEL:+1 {}\nEND:VCARD\n"
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(
        vcard("".join(card.format(uuid4(), name, 100 + number) for number, name in enumerate(names)))
    )
    expect(page.locator("#report")).to_contain_text(f"{len(names)} new")


def test_a_merge_of_two_with_one_name_says_which_one_stays(page: Page, installation: Installation) -> None:
    """By their addresses; and by their ids, if these are the same."""
    twins(page, "Pat Zeman", "Pat Zeman")
    ids = {one["id"] for one in installation.call("GET", "/contacts")[1] if one["name"] == "Pat Zeman"}
    page.goto("/contacts/duplicates")
    page.get_by_role("button", name="Keep this one: Pat Zeman").first.click()
    asked = page.get_by_role("dialog").locator("#question").text_content() or ""
    assert len(ids) == 2 and all(f"“Pat Zeman” (1990-04-12, t@x.org, id {one})" in asked for one in ids)
    page.keyboard.press("Escape")
    for one in ids:
        assert installation.call("DELETE", f"/contacts/{one}")[0] == 204


def test_duplicates_are_shown_side_by_side_and_merged_by_keyboard(page: Page, installation: Installation) -> None:
    """The one that is chosen stays; who is not marked stays, too; it is asked first, and Escape changes nothing."""
    twins(page, "John Doe", "Doe\\, John", "J. Doe")
    page.get_by_role("link", name="Duplicates").click()
    expect(page.get_by_text("1 group of contacts")).to_be_visible()
    group = page.locator(".group")
    expect(group.locator(".person")).to_have_count(3)
    expect(group).to_contain_text("the same name and an e-mail address")
    page.get_by_label("Same person: J. Doe").uncheck()
    stays = page.get_by_role("button", name="Keep this one: John Doe")
    for answer in ("Escape", "Enter"):
        stays.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text(
            "Merge “Doe, John” (1990-04-12, t@x.org) into “John Doe” (1990-04-12, t@x.org)?"
        )
        page.keyboard.press(answer)
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(stays).not_to_have_attribute("aria-busy", "true")  # the answer arrives a moment after the dialog closes
    expect(page.get_by_text("Merged into “John Doe”. Not kept: name Doe, John")).to_be_visible()
    expect(group.locator(".person")).to_have_count(2)
    assert sorted(one["name"] for one in installation.call("GET", "/contacts")[1]) == ["J. Doe", "John Doe"]


def test_who_is_merged_already_is_told_and_hostile_names_are_text(page: Page, installation: Installation) -> None:
    """Another was quicker: the sentence of the service. No name does anything but be shown."""
    twins(page, EVIL, EVIL)
    page.goto("/contacts/duplicates")
    first, second = installation.call("GET", "/contacts")[1]
    expect(page.get_by_role("heading", name=EVIL)).to_have_count(3)
    assert installation.call("POST", f"/contacts/{first['id']}/merge", {"from": [second["id"]]})[0] == 200
    page.locator(f"[data-person='{first['id']}'] [data-keep]").click()
    expect(page.get_by_role("dialog")).to_contain_text(EVIL)
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is a part of this contact already")
    page.reload()
    expect(page.get_by_text("No duplicates")).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)


def test_an_empty_list_says_so_plainly(page: Page) -> None:
    """A search that finds nobody, days without a birthday, and a book without duplicates."""
    page.goto("/contacts?q=xyzzy")
    expect(page.locator("#list")).to_contain_text("No contacts found")
    expect(page.locator("#birthdays")).to_contain_text("No birthdays.")
    page.goto("/contacts/duplicates")
    expect(page.locator("#duplicates")).to_contain_text("No duplicates")


def test_the_form_to_import_again_asks_and_promises_no_more_than_it_can_keep(page: Page) -> None:
    """It asks in whole questions, with a choice to detect, and says how people are found again."""
    page.goto("/contacts")
    answering(page, ignored_columns=["Notes"])
    page.get_by_label("Choose a file").set_input_files(vcard("x"))
    page.get_by_text("Fix and import again").click()
    form = page.get_by_role("form", name="Fix and import again")
    expect(form).to_contain_text("Contacts are matched by name and address.")
    expect(page.locator("main")).not_to_contain_text("double")
    for label in ("In dates such as 3/4/1990, which comes first?", "The file's encoding"):
        expect(form.get_by_label(label).locator("option").first).to_have_text("detect")


def test_the_address_book_is_downloaded(page: Page, installation: Installation) -> None:
    """By a link, under a name that says what it is."""
    add(installation, "Ada")
    page.goto("/contacts")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as vCard").click()
    assert download.value.suggested_filename == "contacts.vcf"
    assert "FN:Ada" in Path(download.value.path()).read_text()


def test_the_example_fills_an_empty_book(page: Page) -> None:
    """With one click, for whoever wants to look around."""
    page.goto("/contacts")
    page.get_by_role("button", name="Load the example").click()
    expect(page.locator("table.contacts tbody tr")).to_have_count(8)


def test_a_contact_is_made_with_each_error_beside_its_field(page: Page, installation: Installation) -> None:
    """What is wrong is told where it is, to screen readers too; put right, it is saved."""
    page.goto("/contacts/new")
    page.get_by_label("Birthday").fill("12. April")
    page.get_by_label("E-mail addresses").fill("ada@example.org\nno address")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#error-name")).to_contain_text("Must be a text")
    expect(page.locator("#error-birthday")).to_contain_text("12. April")
    expect(page.locator("#error-emails")).to_contain_text("number 2")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Birthday")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    expect(page.locator("#error-name")).to_be_hidden()
    page.get_by_label("Birthday").fill("1915-12-10")
    page.get_by_label("E-mail addresses").fill("ada@example.org\n\n ada@example.com ")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("“Ada Lovelace” saved")).to_be_visible()
    (contact,) = installation.call("GET", "/contacts")[1]
    assert (contact["birthday"], contact["language"]) == ("1915-12-10", None)
    assert contact["emails"] == ["ada@example.org", "ada@example.com"]


def test_a_contact_is_changed_and_what_is_emptied_is_taken_away(page: Page, installation: Installation) -> None:
    """By keyboard alone."""
    contact_id = add(installation, "Ada", birthday="1915-12-10", emails=["ada@example.org"], language="en")
    page.goto(f"/contacts/{contact_id}")
    page.get_by_label("Has died").check()
    for label in ("Birthday", "E-mail addresses", "Language"):
        page.get_by_label(label).focus()
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
    page.get_by_label("Family name").focus()
    page.keyboard.type("Lovelace")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"http://127.0.0.1:{installation.port}/contacts")
    contact = installation.call("GET", f"/contacts/{contact_id}")[1]
    assert (contact["birthday"], contact["emails"], contact["language"]) == (None, [], None)
    assert (contact["name"], contact["family_name"], contact["deceased"]) == ("Ada", "Lovelace", True)


def test_a_contact_is_deleted_unless_that_is_undone(page: Page, installation: Installation) -> None:
    """Undone, it stays; else it is gone some seconds later, here and in the service."""
    contact_id = add(installation, "Ada")
    page.goto(f"/contacts/{contact_id}")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“Ada” was not deleted")).to_be_visible()
    page.get_by_role("link", name="Ada").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleting “Ada” in")).to_be_visible()
    assert installation.call("GET", f"/contacts/{contact_id}")[0] == 200
    expect(page.get_by_text("No contacts yet")).to_be_visible()
    assert installation.call("GET", f"/contacts/{contact_id}")[0] == 404


def test_a_coming_birthday_is_shown_and_leads_to_its_person(page: Page, installation: Installation) -> None:
    """Three days ahead, with the age if the year is known."""
    day = datetime.now(UTC).date() + timedelta(days=3)
    contact_id = add(installation, "Ada", birthday=f"2000-{day:%m-%d}")
    page.goto("/contacts")
    expect(page.locator("#birthdays")).to_contain_text("turns ")
    page.locator("#birthdays").get_by_role("link", name="Ada").click()
    expect(page).to_have_url(f"http://127.0.0.1:{installation.port}/contacts/{contact_id}")


def test_a_file_that_is_too_large_is_not_sent(page: Page, tmp_path: Path) -> None:
    """The limit and its setting are named."""
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    page.goto("/contacts")
    page.get_by_label("Choose a file").set_input_files(large)
    expect(page.locator("#report")).to_contain_text("IMPORT_LIMIT_MB")


def test_a_person_is_erased_and_the_page_says_where_they_were(page: Page, installation: Installation) -> None:
    """After a question; what still names them is told with its page, and the page itself names nobody any more."""
    contact = add(installation, "Zoe Angstrom", emails=["zoe@example.org"])
    job = installation.make_job(name="For zoe@example.org")
    note = {"X-Change-Note": "as zoe@example.org asked"}
    assert installation.call("PUT", f"/jobs/{job}", {"description": "x"}, headers=note)[0] == 200
    page.goto(f"/contacts/{contact}")
    page.get_by_label("Given name").fill("Zoe")
    page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Erase “Zoe Angstrom”")
    dialog.get_by_role("button", name="Cancel").click()
    assert installation.call("GET", f"/contacts/{contact}")[0] == 200
    page.get_by_role("button", name="Erase").click()
    dialog.get_by_role("button", name="Erase").click()
    found = page.locator("#erased")
    expect(found).to_be_focused()
    expect(found.locator("dt:visible")).to_contain_text(["Contact", "Entries of the audit log"])
    expect(found.locator("dt", has_text="Lines of logs")).to_be_hidden()
    expect(found.locator("#under-way")).to_be_hidden()
    expect(found).to_contain_text("backups and snapshots")
    assert "zoe" not in page.content().lower() and "Zoe" not in page.title()
    assert installation.call("GET", f"/contacts/{contact}")[0] == 404
    found.get_by_role("link", name=f"job:{job}").click()
    expect(page.locator("h1")).to_contain_text("For zoe@example.org")
