"""The workflows of docs/use/trusted-publishing.md are read, and their commands publish for real.

Each runs in a shell, against a registry that listens, beside a stand-in for its provider; `bal` is
a program that sends an archive with what it finds in Settings.toml, as the client does.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.api.trusted_publishing import NewPublisher
from functions.faces import build_app
from shared.bootstrap import build_registry
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, Provider
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from tests.fakes.system import FakeClock
from tests.paths import docs
from tests.reaching import noted
from tests.support.archives import bala
from tests.support.server import running
from tests.support.storage import PLACES
from tests.support.trusted_publishing import (
    JOBS,
    RULES,
    SETTINGS,
    CiSystems,
    TrustedPublishingWorld,
)
from tests.support.world import Template, opened, settings_of

PAGE = docs("use/trusted-publishing")
REGISTRY = "https://ballroom.example.org"
SECONDS = 60.0

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="the workflows call curl")


def blocks(language: str) -> list[str]:
    """Return the blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def at(node: Any, *path: str | int) -> Any:
    """Return what lies on a path."""
    for step in path:
        node = node[step]
    return node


GITHUB, GITLAB, AZURE_DEVOPS = (
    yaml.load(each, Loader=yaml.BaseLoader)  # noqa: S506 - makes texts alone, also of the key `on`.
    for each in blocks("yaml")
)
COMMANDS: dict[Provider, str] = {
    Provider.GITHUB: at(GITHUB, "jobs", "publish", "steps", -1, "run"),
    Provider.GITLAB: at(GITLAB, "publish", "script", -1),
    Provider.AZURE_DEVOPS: at(AZURE_DEVOPS, "steps", -1, "script"),
}


def test_the_workflow_of_github_asks_for_a_token_in_one_job_alone() -> None:
    job = at(GITHUB, "jobs", "publish")
    assert at(GITHUB, "permissions") == {"contents": "read"}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert (job["environment"], job["env"]) == ("release", {"REGISTRY": REGISTRY})
    assert at(GITHUB, "on") == {"push": {"tags": ["v*"]}}


def test_the_workflow_of_gitlab_asks_for_a_token_for_the_registry() -> None:
    job = at(GITLAB, "publish")
    assert job["id_tokens"] == {"ID_TOKEN": {"aud": REGISTRY}}
    assert (job["environment"], job["variables"]) == ("release", {"REGISTRY": REGISTRY})


def test_the_workflow_of_azure_devops_builds_no_pull_requests() -> None:
    assert at(AZURE_DEVOPS, "pr") == "none"
    assert at(AZURE_DEVOPS, "trigger") == {"branches": {"include": ["main"]}}
    secret = at(AZURE_DEVOPS, "steps", -1, "env", "SYSTEM_ACCESSTOKEN")
    assert secret == "$(System.AccessToken)"


def test_the_publisher_on_the_page_is_one_that_is_read() -> None:
    shown = NewPublisher.model_validate_json(blocks("json")[0])
    assert set(shown.ids) == set(ID_CLAIMS[shown.provider])


def test_the_table_names_every_provider_with_its_ids() -> None:
    for provider in JOBS:
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{provider.value}` |")]
        assert set(re.findall("`(.*?)`", row.split("|")[2])) == set(ID_CLAIMS[provider])


# --- the commands, run -------------------------------------------------------------------------


@dataclass
class Job:
    """Where the commands of a workflow run."""

    folder: Path
    registry: str
    providers: str
    ci: CiSystems

    def run(self, provider: Provider) -> subprocess.CompletedProcess[str]:
        """Run the commands of a provider's workflow."""
        commands = COMMANDS[provider]
        shell = ["bash", "-e", "-c", commands]
        environment = {**self._environment(), **self._given_by(provider)}
        return subprocess.run(
            shell, env=environment, cwd=self.folder, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        bala_file = self.folder / "greet.bala"
        return {
            "PATH": path,
            "HOME": str(self.folder / "home"),
            "REGISTRY": self.registry,
            "BALA": str(bala_file),
        }

    def _given_by(self, provider: Provider) -> dict[str, str]:
        return {
            Provider.GITHUB: {
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.providers}/github?api-version=2.0",
            },
            Provider.GITLAB: {"ID_TOKEN": self.ci.token(Provider.GITLAB)},
            Provider.AZURE_DEVOPS: {
                "SYSTEM_ACCESSTOKEN": "request-token",
                "SYSTEM_OIDCREQUESTURI": f"{self.providers}/azure-devops",
            },
        }[provider]


# What a client does of all that `bal push` does: it reads the token, and sends the archive.
BAL = """#!/bin/sh
test "$1 $2" = "push --repository=ballroom" || exit 1
token=$(sed -n 's/^ *accesstoken = "\\(.*\\)"$/\\1/p' "$HOME/.ballerina/Settings.toml" | tail -1)
exec curl -sS --fail-with-body -u "me:$token" -T "$BALA" \\
  "$REGISTRY/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
"""


def providers(ci: CiSystems) -> Starlette:
    """Return what jobs ask for their id tokens, as the providers answer."""

    async def github(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer request-token"
        token = ci.token(Provider.GITHUB, aud=request.query_params["audience"])
        return JSONResponse({"count": len(token), "value": token})

    async def azure_devops(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer request-token"
        assert request.query_params["api-version"] == "7.1"
        return JSONResponse({"oidcToken": ci.token(Provider.AZURE_DEVOPS)})

    return Starlette(
        routes=[Route("/github", github), Route("/azure-devops", azure_devops, methods=["POST"])]
    )


@contextmanager
def served(template: Template, folder: Path, provider: Provider | None) -> Generator[Job]:
    """Serve a registry whose acme/greet is published by a job of the provider."""
    data, bound = folder / "data", bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen: dict[str, Any] = {**SETTINGS, "url": url}
    PLACES.copy(template.folder, data)
    if provider:
        asyncio.run(_trust(data, template, provider, chosen))
    clock = FakeClock()
    ci = CiSystems(clock, url)
    settings = settings_of(data, **chosen)
    stores = replace(asyncio.run(PLACES.stores(settings, clock)), fetcher=ci.internet)
    registry = build_registry(settings, noted(stores))
    app = Host(build_app(registry), on_stop=[registry.close])
    with running(app, at=bound), running(providers(ci)) as asked:
        yield Job(_machine(folder), url, asked.url, ci)
    PLACES.forget(data)


async def _trust(
    data: Path, template: Template, provider: Provider, chosen: dict[str, Any]
) -> None:
    async with opened(data, template.people, **chosen) as world:
        trust = TrustedPublishingWorld(world, CiSystems(world.clock, chosen["url"]))
        await trust.add(provider=provider, rules=RULES[provider])


def _machine(folder: Path) -> Path:
    """Return a folder with a program called `bal`, an archive and a home."""
    for name in ("bin", "home"):
        (folder / name).mkdir()
    program = folder / "bin" / "bal"
    program.write_text(BAL)
    program.chmod(0o755)
    (folder / "greet.bala").write_bytes(bala("acme/greet:1.0.0"))
    return folder


@pytest.mark.parametrize("provider", JOBS)
def test_the_commands_publish_and_the_release_says_where_it_comes_from(
    template: Template, scratch: Path, provider: Provider
) -> None:
    with served(template, scratch, provider) as job:
        done = job.run(provider)
        assert done.returncode == 0, done.stdout + done.stderr
        origin = httpx.get(f"{job.registry}/api/v1/packages/acme/greet/1.0.0/origin").json()
    assert origin["publishedBy"] == "trusted-publisher"
    assert origin["run"]["provider"] == provider.value
    assert "blr_" not in done.stderr


@pytest.mark.parametrize("provider", JOBS)
def test_a_job_that_is_refused_fails_and_its_author_reads_why(
    template: Template, scratch: Path, provider: Provider
) -> None:
    with served(template, scratch, None) as job:
        done = job.run(provider)
    assert done.returncode == 1
    assert "No package here is published by" in done.stdout
    assert not (scratch / "home" / ".ballerina").exists()


def test_the_answer_on_the_page_has_the_fields_that_are_answered(
    template: Template, scratch: Path
) -> None:
    shown = json.loads(next(each for each in blocks("json") if "publishedBy" in each))
    with served(template, scratch, Provider.GITHUB) as job:
        assert job.run(Provider.GITHUB).returncode == 0
        origin = httpx.get(f"{job.registry}/api/v1/packages/acme/greet/1.0.0/origin").json()
    assert {**shown, "digest": ""} == {**origin, "digest": ""}
