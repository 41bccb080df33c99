"""What ends by a command or in a browser has ended on every worker process within five seconds.

Two real workers over one data folder, which both have seen it work just before; the commands of the
operator are a third process's. Nothing is told between them: each looks for itself.
"""

import re
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.waiting import BOUND_SECONDS

pytestmark = one_machine("processes share a data folder")

SECONDS = 5.0
WORKERS = 2
PACKAGES = "/2.0/registry/packages"
ONE_REQUEST = httpx.Limits(max_keepalive_connections=0)  # Of each connection.


@dataclass(frozen=True)
class Look:
    """A request, and what it is answered before and after."""

    path: str
    headers: dict[str, str]
    before: int
    after: int


@dataclass
class Scene:
    """A running registry, and the terminal of its operator."""

    registry: RegistryProcess
    http: httpx.Client  # Each request has a connection of its own, so that any worker may answer.
    browsers: ExitStack

    @property
    def terminal(self) -> Terminal:
        return Terminal(self.registry.data, {"BALLROOM_URL": self.registry.url})

    def person(self, name: str) -> dict[str, str]:
        """Make an account with a token; return the header that it sends."""
        self.terminal.run("account", "add", name)
        token = self.terminal.run("token", "issue", name, "--name", "laptop").strip()
        return {"Authorization": f"Bearer {token}"}

    def push(self, coordinate: str, *, visibility: str = "public") -> None:
        files = {"bala-file": ("any.bala", bala(coordinate, visibility=visibility))}
        headers = {"Authorization": f"Bearer {self.registry.token}"}
        url = f"{self.registry.url}{PACKAGES}"
        self.http.post(url, files=files, headers=headers).raise_for_status()

    def browser(self, name: str) -> httpx.Client:
        """Return a browser in which the account has signed in."""
        link = httpx.URL(self.terminal.run("signin-link", name).strip())
        client = httpx.Client(
            base_url=self.registry.url, follow_redirects=True, timeout=BOUND_SECONDS
        )
        made = self.browsers.enter_context(client)
        page = made.get(link.path)
        [csrf] = set(re.findall(r'name="csrf" value="([^"]*)"', page.text))
        made.post(link.path, data={"csrf": csrf, "code": link.fragment}).raise_for_status()
        return made


Ending = Callable[[], object]


def revoked_token(scene: Scene) -> tuple[Look, Ending]:
    headers = scene.person("kim")
    [_, row, *_] = scene.terminal.run("token", "list", "kim").splitlines()
    end = partial(
        scene.terminal.run, "token", "revoke", "kim", row.split()[0], "--reason", "It was decided."
    )
    return Look("/api/v1/whoami", headers, 200, 401), end


def locked_account(scene: Scene) -> tuple[Look, Ending]:
    """Lock an account that has a token."""
    headers = scene.person("lee")
    end = partial(scene.terminal.run, "account", "lock", "lee", "--reason", "lost")
    return Look("/api/v1/whoami", headers, 200, 401), end


def locked_session(scene: Scene) -> tuple[Look, Ending]:
    """Lock an account that is signed in."""
    scene.person("max")
    cookies = cookies_of(scene.browser("max"))
    end = partial(scene.terminal.run, "account", "lock", "max", "--reason", "lost")
    return Look("/account", {"Cookie": cookies}, 200, 401), end


def ended_session(scene: Scene) -> tuple[Look, Ending]:
    """Sign out; the cookie was copied before."""
    scene.person("eve")
    browser = scene.browser("eve")
    cookies = cookies_of(browser)
    [csrf] = set(re.findall(r'name="csrf" value="([^"]*)"', browser.get("/account").text))
    return Look("/account", {"Cookie": cookies}, 200, 401), lambda: browser.post(
        "/sign-out", data={"csrf": csrf}
    )


def removed_member(scene: Scene) -> tuple[Look, Ending]:
    """Take somebody out of an organization that has a private package."""
    scene.push("acme/hidden:1.0.0", visibility="private")
    headers = scene.person("ann")
    scene.terminal.run("org", "add-member", "acme", "ann", "--role", "member")
    end = partial(
        scene.terminal.run, "org", "remove-member", "acme", "ann", "--reason", "It was decided."
    )
    return Look(f"{PACKAGES}/acme/hidden/1.0.0", headers, 200, 404), end


def withdrawn(
    name: str, *command: str, page: str = f"{PACKAGES}/acme/{{}}/1.0.0"
) -> Callable[[Scene], tuple[Look, Ending]]:
    """Return how to publish a release, and how to withdraw it by a command."""

    def row(scene: Scene) -> tuple[Look, Ending]:
        scene.push(f"acme/{name}:1.0.0")
        return Look(page.format(name), {}, 200, 404), lambda: scene.terminal.run(*command)

    return row


def cookies_of(browser: httpx.Client) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)


ROWS: dict[str, Callable[[Scene], tuple[Look, Ending]]] = {
    "revoked token": revoked_token,
    "locked account": locked_account,
    "locked session": locked_session,
    "ended session": ended_session,
    "removed member": removed_member,
    "quarantined release": withdrawn(
        "harmful", "package", "quarantine", "acme/harmful:1.0.0", "--reason", "steals"
    ),
    "private package": withdrawn(
        "secret", "package", "visibility", "acme/secret", "private", "--reason", "It was decided."
    ),
    # Its page stands for five seconds.
    "private page": withdrawn(
        "paged",
        "package",
        "visibility",
        "acme/paged",
        "private",
        "--reason",
        "It was decided.",
        page="/packages/acme/{}",
    ),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    data: Path = tmp_path_factory.mktemp("five") / "data"
    with (
        running_registry(data, workers=WORKERS, BALLROOM_LIMIT_FAILURE="") as registry,
        httpx.Client(limits=ONE_REQUEST, timeout=BOUND_SECONDS) as http,
        ExitStack() as browsers,
    ):
        yield Scene(registry, http, browsers)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_a_revoked_credential_is_refused_by_every_worker_within_five_seconds(
    scene: Scene, row: str
) -> None:
    look, end = ROWS[row](scene)
    assert statuses(scene, look) == {look.before}
    end()
    ended = time.monotonic()
    pause = Event()
    while statuses(scene, look) != {look.after}:
        now = time.monotonic() - ended
        assert now < SECONDS, f"after {now:.1f} seconds"
        pause.wait(0.2)
    assert statuses(scene, look) == {look.after}


def statuses(scene: Scene, look: Look) -> set[int]:
    """Return what the workers answer, once each of them has answered a new connection.

    Which of them takes a connection is up to the system: a busy one may answer none of many.
    """
    url = f"{scene.registry.url}{look.path}"
    statuses: dict[str, int] = {}
    bound = time.monotonic() + BOUND_SECONDS
    while len(statuses) < WORKERS:
        assert time.monotonic() < bound, f"{len(statuses)} of {WORKERS} workers answered"
        response = scene.http.get(url, headers=look.headers)
        assert response.status_code in {look.before, look.after}
        # A request id is an id of the process and a number.
        statuses[response.headers["X-Request-Id"][:-8]] = response.status_code
    return set(statuses.values())
