"""Fixtures of the browser tests: Chromium, a running registry, and pages that record errors."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Watched, chromium
from tests.browser.forms import WINDOWS
from tests.browser.sample_registry import Site
from tests.clients.recorded_registry import Served, served
from tests.conftest import memory_folder
from tests.support.world import Template


class Open(Protocol):
    """Opens pages in browsers of their own."""

    def __call__(
        self, origin: str, *, form: str = "desktop", scheme: str = "light", scripts: str = "on"
    ) -> Watched:
        """Return a page that shows nothing yet, in a browser that nobody has signed in with."""
        ...


@pytest.fixture(scope="package")  # It holds the loop of its thread, which other suites need.
def browser(template: Template) -> Iterator[Browser]:  # noqa: ARG001 - made in that loop before.
    """Return a Chromium, one for all tests of this folder."""
    with chromium() as running:
        yield running


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Return how to open pages; all are closed at the end."""
    with ExitStack() as stack:

        def open_page(
            origin: str, *, form: str = "desktop", scheme: str = "light", scripts: str = "on"
        ) -> Watched:
            context = browser.new_context(
                viewport=WINDOWS[form],
                color_scheme="dark" if scheme == "dark" else "light",
                java_script_enabled=scripts == "on",
            )
            stack.callback(context.close)
            return Watched.of(context, origin)

        yield open_page


@pytest.fixture(scope="package")
def furnished_template(template: Template) -> Iterator[Template]:
    """Return a registry with content, which is copied for each test that changes it."""
    with memory_folder() as folder:
        with served(template, folder / "data") as serving:
            Site(serving, folder / "data").furnish()
        yield replace(template, folder=folder / "data")


@pytest.fixture(scope="package")
def shared_site(furnished_template: Template) -> Iterator[Site]:
    """Return a registry with content, for tests that change nothing; they may sign in."""
    with served_site(furnished_template) as made:
        yield made


@pytest.fixture(scope="package")
def documented_site(furnished_template: Template) -> Iterator[Site]:
    """Return the same with a package that has sources."""
    with served_site(furnished_template) as made:
        made.publish_documented()
        yield made


@contextmanager
def served_site(template: Template) -> Generator[Site]:
    with memory_folder() as folder, served(template, folder / "data") as serving:
        yield Site(serving, folder / "data")


@pytest.fixture
def registry(template: Template, scratch: Path) -> Iterator[Served]:
    """Return a registry that listens, with the people of all tests and nothing published."""
    with served(template, scratch / "data") as serving:
        yield serving


@pytest.fixture
def site(registry: Served, scratch: Path) -> Site:
    """Return the same with its folder, for those who furnish it and sign in."""
    return Site(registry, scratch / "data")


@pytest.fixture
def furnished_site(furnished_template: Template) -> Iterator[Site]:
    """Return a registry with content that a test may change."""
    with served_site(furnished_template) as made:
        yield made
