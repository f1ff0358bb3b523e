"""Takes the pictures in docs/screenshots: every screen, light and dark, at the desk and on the phone.

`.venv/bin/python -m tests.console.screenshots`, or with the names of some screens after it. The pictures have 128
colours: enough for a page, and a third of the size.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.console.scenes import SCREENS, fill, web_pages
from tests.support.chromium import DESKTOP, MISSING, PHONE, chromium, find_chromium, reader, sign_in
from tests.support.installation import ROOT, Installation, running

FOLDER = ROOT / "docs" / "screenshots"
COLOURS = 128
SIZES: dict[str, Any] = {"desktop": DESKTOP, "phone": PHONE}
TALLEST = {"desktop": 1400, "phone": 1800}
"""A picture ends there, however long the page is."""


def main(*wanted: str) -> int:
    """Takes the pictures of the wanted screens, or all. Returns the process' exit status."""
    path = find_chromium()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium(path) as browser,
        running(Path(folder), PYTHONPATH="") as installation,
        web_pages() as web,
    ):

        def take(screens: dict[str, str], signed_in: bool = True) -> None:
            chosen = {screen: where for screen, where in screens.items() if not wanted or screen in wanted}
            _take_all(browser, installation, chosen, signed_in)

        take({"sign-in": "/sign-in"}, signed_in=False)
        take({"welcome": "/"})
        scene = fill(installation, web)
        take({screen: scene.address(screen) for screen in SCREENS})
    return 0


def _take_all(browser: Browser, installation: Installation, screens: dict[str, str], signed_in: bool) -> None:
    for size, viewport in SIZES.items():
        for scheme in ("light", "dark"):
            context = reader(
                browser, installation, color_scheme=scheme, viewport=viewport, reduced_motion="reduce",
                has_touch=size == "phone", is_mobile=size == "phone",
            )  # fmt: skip
            if signed_in:
                sign_in(context, installation)
            page = context.new_page()
            for screen, address in screens.items():
                page.goto(address)
                _take(page, FOLDER / f"{screen}-{size}-{scheme}.png", TALLEST[size])
            context.close()


def _take(page: Page, path: Path, tallest: int) -> None:
    """When nothing moves any more."""
    page.wait_for_function("!document.querySelector('main [aria-busy=true]') && document.fonts.status === 'loaded'")
    width = page.viewport_size["width"] if page.viewport_size else 0
    height = min(tallest, int(page.evaluate("document.documentElement.scrollHeight")))
    shot = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
