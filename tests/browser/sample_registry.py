"""A registry with content on every page, and its visitors."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from click.testing import Result
from playwright.sync_api import Page

from tests.clients.recorded_registry import Served
from tests.support.archives import bala
from tests.support.documented_packages import CLIENT, LISTENER, TYPES
from tests.support.registry_process import push
from tests.support.terminal import Terminal
from tests.support.waiting import eventually
from tests.support.world import Person

HERE = Path(__file__).parent
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"/>'
README = (HERE / "readme.md").read_text("utf-8")
RIGHT_TO_LEFT = (HERE / "right_to_left.md").read_text("utf-8")
LONG = "w" * 300

# A declaration of each kind that pages show in their own way, and names and values without spaces.
SHOP = f"""
# Old name of `greetWorld`.
# # Deprecated
# Use `greetWorld`.
@deprecated
public function greetAll(string{LONG[:40]} text = "{LONG}") returns string => text;

public type string{LONG[:40]} string;

public configurable int port = 9090;
"""


@dataclass(frozen=True)
class Site:
    """A registry that listens, and its data folder."""

    served: Served
    folder: Path

    @property
    def url(self) -> str:
        """Return the address without a slash at its end."""
        return self.served.url

    def furnish(self) -> None:
        """Publish packages that are plain, old, long, hostile, and read from right to left."""
        entries = {"docs/logo.svg": LOGO, "docs/guide.md": "# Guide\n\n[Back](README.md)"}
        rich = {"readme": README, "entries": entries, "keywords": ["hello", "http"]}
        self.push("acme/greet:0.9.0", readme="# Greet\n\nThe first.")
        self.push("acme/greet:1.0.0", **rich, summary="Greets people.", licenses=["Apache-2.0"])
        self.push("acme/greet:1.1.0", **rich, modules=["sub"], dependencies=["acme/base:1.0.0"])
        self.push("acme/base:1.0.0", platform="java21", readme="# Base\n\nWhat others need.")
        self.push("acme/hostile", readme=f"# {LONG}\n\n<script>alert(1)</script>", summary=LONG)
        self.push("acme/welcome", readme=RIGHT_TO_LEFT)
        self.deprecate("acme/greet/0.9.0", "Use 1.0.0 or later.")
        for page in ("greet/0.9.0", "greet/1.0.0", "greet", "base", "hostile", "welcome"):
            self.wait_for_texts(f"acme/{page}")

    def publish_documented(self) -> None:
        """Publish two versions of a package with sources, of which the second changes the API."""
        files = {"client.bal": CLIENT, "types.bal": TYPES, "listener.bal": LISTENER}
        changed = TYPES.replace("int timeout = 30;", "decimal timeout = 30;")
        versions = {"1.0.0": files, "1.1.0": files | {"types.bal": changed, "shop.bal": SHOP}}
        for version, sources in versions.items():
            entries = {f"modules/shop/{name}": text for name, text in sources.items()}
            self.push(f"acme/shop:{version}", entries=entries)
            self.wait_for_texts(f"acme/shop/{version}")

    def push(self, coordinate: str, **spec: object) -> None:
        """Publish a package as Ann."""
        whole = coordinate if ":" in coordinate else f"{coordinate}:1.0.0"
        self.push_with(self.served.people.ann.token, whole, **spec)

    def push_with(self, token: str, coordinate: str, **spec: object) -> None:
        """Publish a package with a token, as `curl` does."""
        answer = push(self.url, token, bala(coordinate, **spec))
        assert answer.status_code == 204, answer.text

    def push_held(self, coordinate: str) -> None:
        """Publish a package as Ann, which burst detection holds."""
        answer = push(self.url, self.served.people.ann.token, bala(coordinate))
        assert "is stored and held" in answer.json()["message"]

    def wait_for_texts(self, package: str) -> None:
        """Wait until the confined process made what the page of a package shows."""
        page = f"{self.url}/packages/{package}"
        eventually(lambda: "is being made" not in httpx.get(page).text)

    def deprecate(self, path: str, message: str) -> None:
        """Deprecate a version as Ann."""
        answer = httpx.put(
            f"{self.url}/2.0/registry/packages/deprecate/{path}",
            headers={"Authorization": f"Bearer {self.served.people.ann.token}"},
            json={"message": message},
        )
        assert answer.is_success, answer.text

    def sign_in(self, page: Page, person: Person) -> None:
        """Sign a person in, by a link that works once."""
        page.goto(self.link_for(person))
        page.get_by_role("button", name="Sign in as").click()
        page.wait_for_url("**/account")

    def link_for(self, person: Person) -> str:
        """Return a link that signs a person in."""
        return self.command("signin-link", person.account.name).stdout.strip()

    def command(self, *arguments: str, **settings: str) -> Result:
        """Run a command of the operator, with more settings."""
        terminal = Terminal(self.folder, {"BALLROOM_URL": self.url, **settings})
        # In a thread: playwright runs a loop in this one, and the command begins another.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(terminal.invoke, *arguments).result()
