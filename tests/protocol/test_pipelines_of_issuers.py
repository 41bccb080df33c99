"""The pipelines of presets publish for real: their commands run in a shell, against a registry that
listens, beside a stand-in for the programs and services of each CI system.
"""

import asyncio
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
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from functions.faces import build_app
from functions.http.pages import TEMPLATES
from shared.bootstrap import build_registry
from shared.domain.names import Package
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import OTHER, PRESETS, Pipeline
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.fakes.system import FakeClock
from tests.protocol.test_trusted_publishing_page import BAL
from tests.reaching import noted
from tests.support.archives import bala
from tests.support.issuers import ISSUERS, SETTINGS, TENANT, IssuerDoubles, asked_claims
from tests.support.issuers import PRESETS as DOUBLES
from tests.support.server import running
from tests.support.storage import PLACES
from tests.support.trusted_publishing import CiSystems, TrustedPublishingWorld
from tests.support.world import Template, opened, settings_of

SECONDS = 60.0
METADATA = "http://metadata.google.internal"
MACHINE = "http://169.254.169.254"
TOKEN_FILE = "/var/run/secrets/ballroom/token"
RESOURCE = "api://ballroom"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="the pipelines call curl")


# Where the commands are in a pipeline.
COMMANDS: dict[str, tuple[str | int, ...]] = {
    "buildkite.yml": ("steps", 0, "command"),
    "circleci.yml": ("jobs", "publish", "steps", -1, "run", "command"),
    "bitbucket.yml": ("pipelines", "tags", "v*", 0, "step", "script", -1),
    "google-cloud-build.yml": ("steps", 0, "args", -1),
}
COMMANDS_OF_PODS = ("spec", "template", "spec", "containers", 0, "args", 0)


def example(template: str) -> str:
    return (TEMPLATES / "pipelines" / template).read_text("utf-8")


def commands(template: str) -> str:
    """Return the commands of a pipeline as the shell of a job gets them."""
    text = example(template)
    if template.endswith(".sh"):
        return text
    if template.endswith(".groovy"):
        [script] = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
        return script.replace("\\\\", "\\")
    node: Any = yaml.safe_load(text)
    for step in COMMANDS.get(template, COMMANDS_OF_PODS):
        node = node[step]
    # Buildkite and Google Cloud Build write a variable of the shell with two signs.
    return str(node).replace("$$", "$")


# The programs that a CI system puts on its machines, as much of them as the pipelines use.
PROGRAMS = {
    "bal": f"{BAL.replace('test ', 'test pack = $1 && exit 0; test ', 1)}",
    "buildkite-agent": """#!/bin/sh
test "$1 $2" = "redactor add" && exec cat > /dev/null
test "$1 $2 $3" = "oidc request-token --audience" || exit 1
test "$5 $6" = "--claim organization_id,pipeline_id" || exit 1
exec curl -fsS --get --data-urlencode "audience=$4" "$PROVIDERS/token/buildkite"
""",
    "circleci": """#!/bin/sh
test "$1 $2 $3 $4 $5" = "run oidc get --root-issuer --claims" || exit 1
audience=$(printf '%s' "$6" | sed -n 's/^{"aud":"\\(.*\\)"}$/\\1/p')
exec curl -fsS --get --data-urlencode "audience=$audience" "$PROVIDERS/token/circleci"
""",
    "az": f"""#!/bin/sh
test "$1 $2 $3 $4" = "account get-access-token --resource {RESOURCE}" || exit 1
test "$5 $6 $7 $8" = "--query accessToken --output tsv" || exit 1
exec curl -fsS --get --data-urlencode "audience={RESOURCE}" "$PROVIDERS/token/entra"
""",
}


def services(doubles: IssuerDoubles) -> Starlette:
    """Return what the programs above and the machines of clouds ask for tokens."""

    async def token(request: Request) -> Response:
        audience = request.query_params["audience"]
        return PlainTextResponse(doubles.token(request.path_params["label"], aud=audience))

    async def google(request: Request) -> Response:
        assert request.headers["metadata-flavor"] == "Google"
        assert request.query_params["format"] == "full"
        return PlainTextResponse(doubles.token("google", aud=request.query_params["audience"]))

    async def machine(request: Request) -> Response:
        assert request.headers["metadata"] == "true"
        assert request.query_params["api-version"] == "2018-02-01"
        made = doubles.token("entra", aud=request.query_params["resource"])
        return JSONResponse(
            {"client_id": "publisher", "access_token": made, "token_type": "Bearer"}
        )

    async def federated(request: Request) -> Response:
        sent = dict(httpx.QueryParams((await request.body()).decode()))
        assert request.path_params["tenant"] == TENANT
        assert sent["client_assertion"] == "token of the pod"
        assert (sent["client_id"], sent["grant_type"]) == ("publisher", "client_credentials")
        assert sent["scope"] == f"{RESOURCE}/.default"
        made = doubles.token("entra", aud=RESOURCE)
        return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": made})

    identity = "/computeMetadata/v1/instance/service-accounts/default/identity"
    return Starlette(
        routes=[
            Route("/token/{label}", token),
            Route(identity, google),
            Route("/metadata/identity/oauth2/token", machine),
            Route("/{tenant}/oauth2/v2.0/token", federated, methods=["POST"]),
        ]
    )


@dataclass
class Job:
    """Where the commands of a pipeline run."""

    folder: Path
    registry: str
    services: str
    doubles: IssuerDoubles

    def run(self, label: str, template: str) -> subprocess.CompletedProcess[str]:
        """Run the commands of a pipeline on a machine of its CI system."""
        given = self.folder / "id-token"
        given.write_text("token of the pod" if label == "entra" else self.token(label))
        text = commands(template).replace(TOKEN_FILE, str(given))
        text = text.replace("https://ballroom.example.org", self.registry)
        for place in (METADATA, MACHINE):
            text = text.replace(place, self.services)
        environment = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "REGISTRY": self.registry,
            "PROVIDERS": self.services,
            "BALA": str(self.folder / "greet.bala"),
            "BITBUCKET_STEP_OIDC_TOKEN": self.token("bitbucket"),
            "ID_TOKEN": self.token("jenkins"),
            "ID_TOKEN_FILE": str(given),
            "AZURE_FEDERATED_TOKEN_FILE": str(given),
            "AZURE_AUTHORITY_HOST": f"{self.services}/",
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": "publisher",
        }
        return subprocess.run(
            ["bash", "-e", "-c", text], env=environment, cwd=self.folder, capture_output=True,
            text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def token(self, label: str) -> str:
        return self.doubles.token(label, aud=self.registry)


@contextmanager
def served(template: Template, folder: Path, label: str) -> Generator[Job]:
    """Serve a registry whose acme/greet is published by a job of the issuer, if there is one."""
    data, bound = folder / "data", bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen: dict[str, Any] = {**SETTINGS, "url": url}
    PLACES.copy(template.folder, data)
    if label:
        asyncio.run(_trust(data, template, label, chosen))
    clock = FakeClock()
    doubles = IssuerDoubles(clock, url)
    settings = settings_of(data, **chosen)
    stores = replace(asyncio.run(PLACES.stores(settings, clock)), fetcher=doubles.internet)
    registry = build_registry(settings, noted(stores))
    app = Host(build_app(registry), on_stop=[registry.close])
    with running(app, at=bound), running(services(doubles)) as asked:
        yield Job(_machine(folder), url, asked.url, doubles)
    PLACES.forget(data)


async def _trust(data: Path, template: Template, label: str, chosen: dict[str, Any]) -> None:
    async with opened(data, template.people, **chosen) as world:
        owner = TrustedPublishingWorld(world, CiSystems(world.clock, chosen["url"])).owner
        wanted = PublisherRequest(
            Package.parse("acme", "greet"),
            Provider.OIDC,
            {},
            server=label,
            audience=DOUBLES[label].audience,
            claims=asked_claims(DOUBLES[label]),
        )
        await world.registry.tokens.trusted_publishers.add(wanted, by=owner)


def _machine(folder: Path) -> Path:
    """Return a folder with the programs, an archive and a home."""
    for name in ("bin", "home"):
        (folder / name).mkdir()
    for name, text in PROGRAMS.items():
        program = folder / "bin" / name
        program.write_text(text)
        program.chmod(0o755)
    (folder / "greet.bala").write_bytes(bala("acme/greet:1.0.0"))
    return folder


# Every pipeline with the issuer of its job; a machine without a preset has the token of any issuer.
PIPELINES: list[tuple[str, Pipeline]] = [
    *((each.name, one) for each in PRESETS if each.name in ISSUERS for one in each.pipelines),
    *(("jenkins", one) for one in OTHER.pipelines),
]
ALL = pytest.mark.parametrize(
    ("label", "example_file"), [(label, each.template) for label, each in PIPELINES]
)


@ALL
def test_the_commands_of_a_pipeline_publish(
    template: Template, scratch: Path, label: str, example_file: str
) -> None:
    with served(template, scratch, label) as job:
        done = job.run(label, example_file)
        assert done.returncode == 0, done.stdout + done.stderr
        origin = httpx.get(f"{job.registry}/api/v1/packages/acme/greet/1.0.0/origin").json()
    assert origin["publishedBy"] == "trusted-publisher"
    assert origin["run"]["issuer"] == ISSUERS[label]
    assert "blr_" not in done.stdout + done.stderr


@ALL
def test_a_pipeline_that_is_refused_fails_and_its_author_reads_why(
    template: Template, scratch: Path, label: str, example_file: str
) -> None:
    with served(template, scratch, "") as job:
        done = job.run(label, example_file)
    assert done.returncode == 1
    assert "No package here is published by" in done.stdout
    assert not (scratch / "home" / ".ballerina" / "Settings.toml").exists()
