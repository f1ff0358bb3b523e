"""The tool that reads folders of address books, on a small one that is made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.contacts.reading import files
from tests.corpora.reading import address_books, read
from tests.support.installation import ROOT

CARD = "BEGIN:VCARD\nVERSION:3.0\n{}\nEND:VCARD\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Folders of good, bad and foreign files."""
    deep = tmp_path / "deep" / "er"
    deep.mkdir(parents=True)
    (deep / "book.VCF").write_text(CARD.format("FN:Ada\nBDAY:1815-12-10\nEMAIL:ada@example.org") + CARD.format("FN:"))
    (tmp_path / "cut.vcard").write_text("BEGIN:VCARD\nFN:Cut")
    (tmp_path / "people.csv").write_text("name,email\nAda,ada@example.org\n,\n,\x1b[2J\n")
    (tmp_path / "prices.csv").write_text("article,price\nbread,3\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "photo.png").write_bytes(b"BEGIN:VCARD")
    (tmp_path / "evil\x1b[2J.vcf").write_text(CARD.format("FN:Eve"))
    return tmp_path


def ran(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.corpora"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


def test_all_files_are_read_and_summed(corpus: Path) -> None:
    """Each has its line, and its reasons below; what is no address book is refused, and no failure."""
    ended = ran(CORPUS=str(corpus))
    assert ended.returncode == 0, ended
    assert "deep/er/book.VCF: 1 read, 1 taken (1 with a birthday, 1 with an address), 1 skipped" in ended.stdout
    assert "all: 6 read, 3 taken (1 with a birthday, 2 with an address), 3 skipped" in ended.stdout
    assert "refused 1×: The file is empty" in ended.stdout and "\x1b" not in ended.stdout
    assert "photo.png" not in ended.stdout


@pytest.mark.parametrize("folder", ["", "/does/not/exist"])
def test_without_a_folder_it_says_so(folder: str) -> None:
    """With a status of its own."""
    ended = ran(CORPUS=folder)
    assert (ended.returncode, ended.stdout) == (2, "") and "CORPUS" in ended.stderr


def test_an_exception_is_told_with_its_file(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other files are read all the same."""

    def fail(stream: object, *_: object) -> None:
        raise RuntimeError("a defect")

    path = corpus / "cut.vcard"
    assert read(path).failed == []
    monkeypatch.setattr("tests.corpora.reading.read_people", fail)
    assert read(path).failed == [f"{path}: RuntimeError: a defect"]


def test_a_file_that_takes_too_long_is_given_up(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the reader keeps all exceptions in."""

    def endless(stream: object, *_: object) -> object:
        while True:
            try:
                files.read_people(stream)  # type: ignore[arg-type]
            except Exception:
                pass

    monkeypatch.setattr("tests.corpora.reading.read_people", endless)
    assert read(corpus / "cut.vcard", 0.05).failed == [f"{corpus / 'cut.vcard'}: took longer than 0.05 s"]


def test_only_address_books_are_looked_for(corpus: Path) -> None:
    """By the end of the name, in any case, wherever they lie."""
    assert [path.suffix for path in address_books(corpus)] == [".vcard", ".VCF", ".csv", ".vcf", ".csv", ".csv"]
