"""Assets: names with hashes, which browsers keep for ever, and plain names, which they ask about."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli
import pytest
from falcon.testing import TestClient

from service.web.api.app import create_app
from service.web.console.assets import ASSETS, FOLDER, Assets
from service.web.console.mount import add_console
from service.web.console.page import TEMPLATES
from tests.support.fakes import FakeContacts, FakeJobs, services

NAMES = sorted(file.name for file in FOLDER.iterdir())
DECODERS = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = create_app(services(FakeJobs(), FakeContacts(), reading=None), sign_in="/sign-in")
    add_console(app, services(FakeJobs(), FakeContacts()))
    return TestClient(app)


@pytest.mark.parametrize("name", NAMES)
def test_each_file_is_at_both_names(client: TestClient, name: str) -> None:
    """The same content; kept for ever, or asked about each time; in each coding, and 304 in each."""
    hashed = ASSETS.address(name)
    assert re.fullmatch(rf"/static/{Path(name).stem}\.[0-9a-f]{{12}}\{Path(name).suffix}", hashed)
    plain = client.simulate_get(hashed)
    for address, kept in ((hashed, "public, max-age=31536000, immutable"), (f"/static/{name}", "no-cache")):
        for coding in ("gzip", "br"):
            got = client.simulate_get(address, headers={"Accept-Encoding": coding})
            assert DECODERS[got.headers.get("content-encoding")](got.content) == plain.content
            assert ("content-encoding" in got.headers) == (len(plain.content) >= 1024)
            assert (got.headers["cache-control"], got.headers.get("vary")) == (kept, plain.headers.get("vary"))
            head = client.simulate_head(address, headers={"Accept-Encoding": coding})
            assert (head.content, head.headers["content-length"]) == (b"", str(len(got.content)))
            again = client.simulate_get(address, headers={"If-None-Match": got.headers["etag"]})
            assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", kept)


def test_scripts_import_hashed_names(client: TestClient) -> None:
    """Each of them is there, and to be kept; so a page never mixes two releases."""
    imported = 0
    for name in NAMES:
        if name.endswith(".js"):
            text = client.simulate_get(f"/static/{name}").text
            found = re.findall(r'\bfrom "\./([^"]+)"', text)
            assert len(found) == len(re.findall(r"^import ", text, re.MULTILINE)), name
            for other in found:
                answer = client.simulate_get(f"/static/{other}")
                assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True), other
            imported += len(found)
    assert imported > 20


def test_another_releases_address_leads_to_the_current_file(client: TestClient) -> None:
    """A page that was open while the release changed still works; nothing keeps the file under that name."""
    got = client.simulate_get("/static/console.0123456789ab.css")
    assert (got.status_code, got.headers["cache-control"]) == (200, "no-cache")
    assert got.content == client.simulate_get("/static/console.css").content


@pytest.mark.parametrize(
    "name",
    ["", "nothing.js", "nothing.0123456789ab.js", "console", "console.0123456789ab", "console.0123456789AB.css",
     "console.0123456789ab.0123456789ab.css", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "../static_files.py"],
)  # fmt: skip
def test_nothing_else_is_there(client: TestClient, name: str) -> None:
    """No other name, and nothing outside of the folder."""
    assert client.simulate_get(f"/static/{name}").status_code == 404


def test_a_range_gets_the_whole_file(client: TestClient) -> None:
    """As the RFC allows."""
    got = client.simulate_get("/static/console.css", headers={"Range": "bytes=0-9"})
    assert (got.status_code, len(got.content)) == (200, (FOLDER / "console.css").stat().st_size)


def test_a_change_reaches_all_that_import_it(tmp_path: Path) -> None:
    """Their content changes with the name that they import, and so do their own names."""
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\nb();\n')
    (tmp_path / "b.js").write_text('import { c } from "./c.js";\nexport const b = c;\n')
    (tmp_path / "c.js").write_text("export const c = () => 1;\n")
    (tmp_path / "d.js").write_text("// from nowhere\n")
    before = {name: Assets(tmp_path).address(name) for name in ("a.js", "b.js", "c.js", "d.js")}
    (tmp_path / "c.js").write_text("export const c = () => 2;\n")
    after = {name: Assets(tmp_path).address(name) for name in before}
    assert {name for name in before if before[name] != after[name]} == {"a.js", "b.js", "c.js"}


def test_a_circle_of_imports_is_refused(tmp_path: Path) -> None:
    """A hash cannot be part of what it is made of. The message names the scripts."""
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"a\.js imports b\.js imports a\.js"):
        Assets(tmp_path)


def test_templates_name_files_by_the_helper_alone() -> None:
    """A name without a hash would be asked for on each page."""
    for name in TEMPLATES.list_templates():
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name)  # type: ignore[union-attr]
        assert not re.search(r"""["'(]/static/""", source), name
        for asset in re.findall(r"asset\('([^']+)'\)", source):
            assert asset in NAMES
