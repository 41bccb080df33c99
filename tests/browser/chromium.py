"""Chromium as tests drive it: headless, quiet, and without any host but this machine."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    sync_playwright,
)

from tests.paths import ROOT
from tests.sampling import FULL
from tests.support.debian import install_packages

# Chromium without its windows, which take half of the processor time of a headless Chromium.
HEADLESS = "chromium-headless-shell"
WITH_WINDOWS = "chromium"
FLAGS = [
    "--no-sandbox",  # Tests run as root in containers.
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--js-flags=--no-opt --no-maglev",  # Scripts of a test end before optimized code pays.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SCREENS = ROOT / "bench" / "out" / "screens"
PATIENCE = 30_000  # Milliseconds; a slow machine is no failure.


@contextmanager
def chromium() -> Generator[Browser]:
    """Run a browser, or skip where there is none."""
    program = find_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def find_program() -> str:
    """Return the path of a Chromium, preferably the one without windows, or skip the test."""
    reason = ""
    for name in (HEADLESS, WITH_WINDOWS):
        if shutil.which(name) is None:
            reason = install_packages([name])
        if found := shutil.which(name):
            return found
    pytest.skip(reason)


@dataclass
class Watched:
    """A page, and what went on in it that nobody meant to."""

    page: Page
    origin: str
    foreign: list[str] = field(default_factory=list[str])  # Requests to other hosts.
    dialogs: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])  # Of scripts, and what the policy stopped.
    waiting: set[Request] = field(default_factory=set[Request])  # For an answer.

    @classmethod
    def of(cls, context: BrowserContext, origin: str) -> "Watched":
        """Open a page and watch it."""
        watched = cls(context.new_page(), origin)
        watched.page.set_default_timeout(PATIENCE)
        watched.page.on("request", watched._request)
        watched.page.on("requestfinished", watched._answered)
        watched.page.on("requestfailed", watched._answered)
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        watched.page.on("console", watched._said)
        watched.page.on("response", watched._answer)
        watched.page.on("dialog", watched._dialog)
        return watched

    def open(self, path: str) -> Page:
        """Go to a page of the origin, and wait until all of it is there.

        Chromium calls a network idle after half a second: the longest part of most tests.
        """
        self.waiting.clear()
        self.page.goto(self.origin + path)
        self.page.evaluate("0")  # Then all events of the page so far have arrived here.
        while self.waiting:
            self.page.wait_for_timeout(10)
        return self.page

    def assert_nothing_happened(self) -> None:
        """Fail where anything was asked of others, run or said that should not be."""
        assert not self.foreign, self.foreign
        assert not self.dialogs, self.dialogs
        assert not self.errors, self.errors

    def _request(self, request: Request) -> None:
        self.waiting.add(request)
        target = urlsplit(request.url)
        if f"{target.scheme}://{target.netloc}" != self.origin:
            self.foreign.append(request.url)

    def _answered(self, request: Request) -> None:
        self.waiting.discard(request)

    def _said(self, message: ConsoleMessage) -> None:
        # That a page is a 404 is said there as well, and is no fault of it; see `_answer`.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)

    def _answer(self, answer: Response) -> None:
        if answer.status >= 400 and answer.request.resource_type != "document":
            self.errors.append(f"{answer.url}: {answer.status}")

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def keep_picture(page: Page, name: str) -> None:
    """Write a picture for people to look at, where whole tables are run: no test reads it."""
    if FULL:
        SCREENS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def skip_without(reason: str) -> None:
    """Skip the test when there is a reason."""
    if reason:
        pytest.skip(reason)
