"""The pictures of README.md: `make screenshots`, pages of the demo registry in light and dark."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from bench.demo import filled
from bench.support.servers import ballroom, workspace
from tests.paths import ROOT

IMAGES = ROOT / "docs" / "images"
PAGES = {"home": "/", "package": "/packages/ballerina/http"}
SCHEMES = ("light", "dark")
WINDOW: ViewportSize = {"width": 1280, "height": 800}
# The size of a picture; README.md shows two of them, even over slow connections.
MAX_BYTES = 200 * 1024
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "There is no Chromium on this machine. Install it, on Debian by: apt-get install chromium"


def main(images: Path = IMAGES) -> None:
    """Write the pictures over a copy of the demo registry, which is filled if it is missing."""
    program = require_browser()
    with workspace() as folder:
        filled(folder / "data")
        with ballroom(folder) as server:
            sizes = take(server.url, program, images)
    for name, size in sizes.items():
        print(f"{name}: {size // 1024} KB")
    if too_large := [name for name, size in sizes.items() if size > MAX_BYTES]:
        sys.exit(f"Larger than {MAX_BYTES // 1024} KB: {', '.join(too_large)}")


def require_browser() -> str:
    """Return the path of Chromium, or exit with a sentence that says how to install it."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or sys.exit(MISSING)


def take(url: str, program: str, images: Path) -> Mapping[str, int]:
    """Write a picture of each page in each scheme, and return their sizes by name."""
    images.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # Containers run as root, where Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            return {
                f"{name}-{scheme}.png": _take_one(browser, url + path, scheme, images / name)
                for name, path in PAGES.items()
                for scheme in SCHEMES
            }
        finally:
            browser.close()


def _take_one(browser: Browser, address: str, scheme: str, stem: Path) -> int:
    context = browser.new_context(
        viewport=WINDOW, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    picture = page.screenshot(path=stem.with_name(f"{stem.name}-{scheme}.png"))
    context.close()
    return len(picture)


if __name__ == "__main__":
    main()
