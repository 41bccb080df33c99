"""What the page "Publish from CI" prints is pasted into the repository of a stranger, with two
packages, and publishes from a double of each CI system, against a registry that listens.
"""

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.faces import build_app
from functions.html.pipelines import FOLDER
from shared.bootstrap.build import build_registry
from shared.domain.coordinates import Package
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.presets import CI_SYSTEMS, Pipeline, PipelineForm
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from shared.services.tokens.trusted_publishers import PublisherRequest
from tests.fakes.system import FakeClock
from tests.reaching import noted
from tests.support import ci_systems
from tests.support.archives import bala, repacked
from tests.support.ci_systems import (
    PULL_REQUEST_OF_FORK,
    TAG,
    CiRun,
    Job,
    Reader,
    Trigger,
    make_machine,
)
from tests.support.issuers import PRESETS as ISSUER_PRESETS
from tests.support.issuers import SETTINGS as ISSUER_SETTINGS
from tests.support.issuers import TENANT, asked_claims, preset_issuers
from tests.support.job_issuers import JobIssuers
from tests.support.server import served_app
from tests.support.storage import STORAGE
from tests.support.trusted_publishing import IDS, RULES, TrustedPublishingWorld, provider_issuers
from tests.support.trusted_publishing import SETTINGS as PROVIDER_SETTINGS
from tests.support.world import Template, opened, settings_of, token_of

METADATA = "http://metadata.google.internal"
MACHINE = "http://169.254.169.254"
TOKEN_FILE = "/var/run/secrets/ballroom/token"
RESOURCE = "api://ballroom"
EXCHANGE = "/api/v1/trusted-publishing/token"
BAD_REQUEST = 400
LOCK = '[ballerina]\ndependencies-toml-version = "2"\n'
BLOCKED = "The proxy of the company lets nobody push now."

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="the pipelines call curl")


@dataclass(frozen=True)
class Printed:
    """A pipeline of the page: the place of its files there, and how its CI system reads it."""

    system: str
    form: PipelineForm
    files: tuple[Pipeline, ...]
    read: Reader
    gives: str  # Who signs: the key of a CI system, or the label of an issuer.

    @property
    def main(self) -> str:
        return self.files[0].saved_as or self.files[0].template

    def __str__(self) -> str:
        return f"{self.files[0].template} {self.form.value}"


READERS: Mapping[str, Reader] = {
    "github": ci_systems.actions,
    "forgejo": ci_systems.actions,
    "gitea": ci_systems.actions,
    "gitlab": ci_systems.gitlab,
    "azure-devops": ci_systems.azure_devops,
    "buildkite": ci_systems.buildkite,
    "circleci": ci_systems.circleci,
    "bitbucket": ci_systems.bitbucket,
    "google-cloud-build": ci_systems.cloud_build,
    "jenkins": ci_systems.jenkins,
    "kubernetes": ci_systems.kubernetes,
    "entra-aks": ci_systems.kubernetes,
}
# Files of a pipeline that another file of it names.
NAMED = ("github-action.yml", "gitlab-component.yml", "azure-devops-template.yml")


def printed() -> list[Printed]:
    """Return all pipelines of the page."""
    found: list[Printed] = []
    for system in CI_SYSTEMS:
        for form in PipelineForm:
            files = [each for each in system.pipelines if each.form is form]
            named = tuple(each for each in files if each.template in NAMED)
            for main in (each for each in files if each.template not in NAMED):
                stem = main.template.rpartition(".")[0].removesuffix("-shell")
                read = READERS.get(stem, ci_systems.machine)
                # A machine without a preset has the token of any issuer.
                gives = "jenkins" if system.key == "other" else system.key
                found.append(Printed(system.key, form, (main, *named), read, gives))
    return found


PIPELINES = printed()


def by_system(forms: Sequence[PipelineForm]) -> pytest.MarkDecorator:
    """Return the table of all pipelines. `make test` runs those of the given forms, one for each
    system in turn, since every form of a system runs what the page prints for all of them."""
    systems = list(dict.fromkeys(each.system for each in PIPELINES))
    rows = [
        pytest.param(each)
        if each.form is forms[systems.index(each.system) % len(forms)]
        else pytest.param(each, marks=pytest.mark.repeated)
        for each in PIPELINES
    ]
    return pytest.mark.parametrize("pipeline", rows, ids=str)


STEPS_FIRST = (PipelineForm.STEP, PipelineForm.SHELL)
SHELLS_FIRST = (PipelineForm.SHELL, PipelineForm.STEP)


def test_every_file_of_a_pipeline_is_printed() -> None:
    used = {each.template for pipeline in PIPELINES for each in pipeline.files}
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == used


# --- The machines, and what gives their jobs id tokens -------------------------------------------

# The programs that a CI system puts on its machines, as much of them as the pipelines use. The
# client packs a workspace in the order of its dependencies, as other bytes each time.
PROGRAMS = {
    "bal": """#!/bin/sh
test "$*" = pack || exit 1
for package in second greet; do
  mkdir -p $package/target/bala
  cp "$BALAS/$RUN/acme-$package-any-1.0.0.bala" $package/target/bala/
done
""",
    "buildkite-agent": """#!/bin/sh
case "$1 $2" in
"redactor add") exec cat > /dev/null ;;
"annotate --style" | "annotate --context") exec cat > "$TMPDIR/annotation" ;;
"artifact download") exec cp -r "$ARTIFACTS/dist" . ;;
"oidc request-token") test "$3 $5 $6" = "--audience --claim organization_id,pipeline_id" || exit 1
  exec curl -fsS --get --data-urlencode "audience=$4" "$PROVIDERS/token/buildkite" ;;
esac
exit 1
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


@dataclass
class Identities:
    """Who signs the id tokens of jobs."""

    ci: JobIssuers[Provider]
    issuers: JobIssuers[str]
    registry: str
    is_stranger: bool = False  # Whether the job is of a repository that nobody trusts.

    def token(self, gives: str, audience: str = "") -> str:
        """Return the id token of a job that publishes the tag v1.0.0."""
        if gives in {each.value for each in IDS}:
            provider = Provider(gives)
            fixed = provider is Provider.AZURE_DEVOPS
            claims = dict(RUNS[provider]) | ({} if fixed else {"aud": audience or self.registry})
            if self.is_stranger:
                claims |= STRANGERS[provider]
            return self.ci.token(provider, **claims)
        is_fixed = gives == "entra"
        changes: dict[str, object] = {} if is_fixed else {"aud": audience or self.registry}
        if self.is_stranger:
            changes |= {"sub": "somebody else"}
        # Two runs in the same second have different tokens.
        return self.issuers.token(gives, nonce=str(next(self._numbers)), **changes)

    def __post_init__(self) -> None:
        self._numbers = iter(range(1_000_000))


RUNS: Mapping[Provider, Mapping[str, object]] = {
    Provider.GITHUB: {},
    Provider.GITLAB: {"ref": "v1.0.0", "ref_type": "tag", "ref_path": "refs/tags/v1.0.0"},
    Provider.AZURE_DEVOPS: {},
}
STRANGERS: Mapping[Provider, Mapping[str, object]] = {
    Provider.GITHUB: {"repository_id": "75"},
    Provider.GITLAB: {"project_id": "21", "job_project_id": "21"},
    Provider.AZURE_DEVOPS: {"def_id": "2"},
}


def services(identities: Identities) -> Starlette:
    """Return what jobs, programs and machines ask for id tokens, as their systems answer."""

    async def program(request: Request) -> Response:
        label = request.path_params["label"]
        audience = request.query_params["audience"]
        return PlainTextResponse(identities.token(label, audience))

    async def actions(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer request-token"
        token = identities.token(request.path_params["gives"], request.query_params["audience"])
        return JSONResponse({"count": len(token), "value": token})

    async def azure_devops(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer request-token"
        assert request.query_params["api-version"] == "7.1"
        return JSONResponse({"oidcToken": identities.token("azure-devops")})

    async def google(request: Request) -> Response:
        assert request.headers["metadata-flavor"] == "Google"
        assert request.query_params["format"] == "full"
        return PlainTextResponse(identities.token("google", request.query_params["audience"]))

    async def machine(request: Request) -> Response:
        assert request.headers["metadata"] == "true"
        assert request.query_params["api-version"] == "2018-02-01"
        assert request.query_params["resource"] == RESOURCE
        return JSONResponse({"client_id": "p", "access_token": identities.token("entra")})

    async def federated(request: Request) -> Response:
        sent = dict(httpx.QueryParams((await request.body()).decode()))
        assert request.path_params["tenant"] == TENANT
        assert sent["client_assertion"] == "token of the pod"
        assert (sent["client_id"], sent["grant_type"]) == ("publisher", "client_credentials")
        assert sent["scope"] == f"{RESOURCE}/.default"
        return JSONResponse({"token_type": "Bearer", "access_token": identities.token("entra")})

    identity = "/computeMetadata/v1/instance/service-accounts/default/identity"
    return Starlette(
        routes=[
            Route("/token/{label}", program),
            Route("/actions/{gives}", actions),
            Route("/azure-devops", azure_devops, methods=["POST"]),
            Route(identity, google),
            Route("/metadata/identity/oauth2/token", machine),
            Route("/{tenant}/oauth2/v2.0/token", federated, methods=["POST"]),
        ]
    )


@dataclass
class Front:
    """A proxy before the registry, which can refuse pushes, and knows what was asked."""

    app: ASGIApp
    pushes_left: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # Bodies of refused exchanges.
    answers: dict[str, object] = field(default_factory=dict)  # In place of the registry's, by path.
    queued: dict[str, list[object]] = field(default_factory=dict)  # The same, each answered once.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            self.asked.append((scope["method"], scope["path"]))
            if (scope["method"], scope["path"]) == ("POST", "/2.0/registry/packages"):
                if self.pushes_left == 0:
                    await Request(scope, receive).body()
                    await JSONResponse({"message": BLOCKED}, 403)(scope, receive, send)
                    return
                if self.pushes_left is not None:
                    self.pushes_left -= 1
        if scope.get("path") in self.answers:
            await Request(scope, receive).body()
            await JSONResponse(self.answers[scope["path"]])(scope, receive, send)
            return
        if queue := self.queued.get(scope.get("path", "")):
            await Request(scope, receive).body()
            await JSONResponse(queue.pop(0))(scope, receive, send)
            return
        is_exchange = scope.get("path") == EXCHANGE
        await self.app(scope, receive, self._noting(send) if is_exchange else send)

    def _noting(self, send: Send) -> Send:
        statuses: list[int] = []

        async def noting(message: Message) -> None:
            statuses.append(message.get("status", 0))
            if statuses[0] >= BAD_REQUEST and "body" in message:
                self.refused.append(message["body"].decode())
            await send(message)

        return noting

    def count(self, method: str, path: str) -> int:
        return self.asked.count((method, path))


# --- The repository of a stranger ----------------------------------------------------------------


@dataclass
class Repository:
    """A repository whose pipeline is what the page prints."""

    pipeline: Printed
    front: Front
    identities: Identities
    run: CiRun
    url: str

    def start(self, trigger: Trigger = TAG) -> bool:
        """Run the pipeline, or repeat what failed of it; say whether it is green."""
        self.front.asked.clear()
        read = self.pipeline.read(self.run.repository, self.pipeline.main, trigger)
        return self.run.start(list(read))

    def state(self, name: str) -> int:
        """Return the status of a release."""
        return httpx.get(f"{self.url}/api/v1/packages/acme/{name}/1.0.0/origin").status_code

    @property
    def ended_tokens(self) -> int:
        return self.front.count("DELETE", EXCHANGE)


_FILE = re.compile(
    r'(?:<p>Save it as <code>([^<]+)</code>\.</p>\s*)?<figure class="code">(?:(?!</figure>).)*?'
    r'<code id="(step|shell)-(\d+)">(.*?)</code>',
    re.DOTALL,
)


def paste(page: str, pipeline: Printed, folder: Path) -> None:
    """Save the files of a pipeline as the page says."""
    system = next(each for each in CI_SYSTEMS if each.key == pipeline.system)
    of_form = [each for each in system.pipelines if each.form is pipeline.form]
    shown = [each for each in _FILE.findall(page) if each[1] == pipeline.form.value]
    assert [each[0] for each in shown] == [each.saved_as for each in of_form]
    for each, (saved_as, _, _, text) in zip(of_form, shown, strict=True):
        if each in pipeline.files:
            path = folder / (saved_as or each.template)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(unescape(text))


@contextmanager
def served(
    template: Template, folder: Path, pipeline: Printed, **changed: Any
) -> Generator[Repository]:
    """Serve a registry whose acme/greet and acme/second are published by the jobs of a pipeline."""
    data = folder / "data"
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen: dict[str, Any] = {**PROVIDER_SETTINGS, **ISSUER_SETTINGS, "url": url, **changed}
    STORAGE.copy(template.folder, data)
    stored = asyncio.run(_trust(data, template, pipeline, chosen))
    clock = FakeClock()
    ci = provider_issuers(clock, url)
    issuers = preset_issuers(clock, url)
    issuers.internet.issuers += ci.internet.issuers
    identities = Identities(ci, issuers, url)
    settings = settings_of(data, **chosen)
    stores = replace(asyncio.run(STORAGE.stores(settings, clock)), fetcher=issuers.internet)
    registry = build_registry(settings, noted(stores))
    front = Front(Host(build_app(registry), on_stop=[registry.close]))
    with served_app(front, at=bound), served_app(services(identities)) as asked:
        run = _stranger(folder, pipeline, asked.url, identities, stored)
        page = httpx.get(f"{url}/about/publish?provider={pipeline.system}&org=acme")
        paste(page.text, pipeline, run.repository)
        _move_services(run.repository, asked.url, folder / "id-token")
        yield Repository(pipeline, front, identities, run, url)
    STORAGE.forget(data)


async def _trust(data: Path, template: Template, pipeline: Printed, chosen: dict[str, Any]) -> str:
    """Let the jobs publish; return the access token of a CI system that signs no id tokens."""
    async with opened(data, template.people, **chosen) as world:
        trust = TrustedPublishingWorld(world, provider_issuers(world.clock, chosen["url"]))
        if pipeline.gives == "gitea":
            scopes = ("read", "push-new", "push-version")
            return await token_of(world.registry, world.people.ann.account, *scopes, org="acme")
        for name in ("greet", "second"):
            if pipeline.gives in {each.value for each in IDS}:
                provider = Provider(pipeline.gives)
                rules = dict(RULES[provider])
                if provider is Provider.GITLAB:
                    rules["refs"] = ["refs/tags/v*"]
                await trust.add(f"acme/{name}", provider, rules=rules)
                continue
            preset = ISSUER_PRESETS[pipeline.gives]
            wanted = PublisherRequest(
                Package.parse("acme", name),
                Provider.OIDC,
                {},
                server=pipeline.gives,
                audience=preset.audience,
                claims=asked_claims(preset),
            )
            await world.registry.tokens.trusted_publishers.add(wanted, by=trust.owner)
    return ""


def _stranger(
    folder: Path, pipeline: Printed, providers: str, identities: Identities, stored: str
) -> CiRun:
    """Return the runs of a repository with a workspace of two packages; greet needs second."""
    environment = make_machine(folder, PROGRAMS)
    second = bala("acme/second:1.0.0")
    greet = bala("acme/greet:1.0.0", dependencies=["acme/second:1.0.0"])
    for number, change in enumerate((lambda each: each, repacked)):
        packed = folder / "balas" / str(number)
        packed.mkdir(parents=True)
        (packed / "acme-second-any-1.0.0.bala").write_bytes(change(second))
        (packed / "acme-greet-any-1.0.0.bala").write_bytes(change(greet))
    repository = folder / "repository"
    for name in ("second", "greet"):
        (repository / name).mkdir(parents=True)
        table = f'[package]\norg = "acme"\nname = "{name}"\nversion = "1.0.0"\n'
        (repository / name / "Ballerina.toml").write_text(table)
        (repository / name / "Dependencies.toml").write_text(LOCK)
    (repository / "Ballerina.toml").write_text('[workspace]\npackages = ["greet", "second"]\n')
    (folder / "summary.md").write_text("")
    environment = {
        **environment,
        **MACHINES.get(pipeline.gives, {}),
        "PROVIDERS": providers,
        "BALAS": str(folder / "balas"),
        "RUN": "0",
        "GCE_METADATA_HOST": providers.removeprefix("http://"),
        "AGENT_TEMPDIRECTORY": str(folder / "temporary"),
    }
    if "GITHUB_ACTIONS" in environment:
        environment["GITHUB_STEP_SUMMARY"] = str(folder / "summary.md")

    def give_id_token(job: Job) -> Mapping[str, str]:
        gives = pipeline.gives
        if job.id_token == "request" and gives == "azure-devops":
            return {"SYSTEM_OIDCREQUESTURI": f"{providers}/azure-devops"}
        if job.id_token == "request":
            return {
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{providers}/actions/{gives}?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token",
            }
        file = folder / "id-token"
        file.write_text("token of the pod" if gives == "entra" else identities.token(gives))
        if job.id_token == "variable":
            name = "BITBUCKET_STEP_OIDC_TOKEN" if gives == "bitbucket" else "ID_TOKEN"
            assert name in job.variables or gives == "bitbucket"
            return {name: file.read_text()}
        given = {
            "AZURE_FEDERATED_TOKEN_FILE": str(file),
            "AZURE_AUTHORITY_HOST": f"{providers}/",
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": "publisher",
        }
        has_file = gives == "kubernetes" or pipeline.system == "other"
        return given | ({"ID_TOKEN_FILE": str(file)} if has_file else {})

    run = CiRun(folder, environment, give_id_token)
    if stored:
        run.environment = {**environment, "BALLROOM_TOKEN": stored}
    return run


# The variables by which a program knows its CI system.
MACHINES: Mapping[str, Mapping[str, str]] = {
    "github": {"CI": "true", "GITHUB_ACTIONS": "true"},
    "forgejo": {"CI": "true", "GITHUB_ACTIONS": "true", "FORGEJO_ACTIONS": "true"},
    "gitea": {"CI": "true", "GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true"},
    "gitlab": {"CI": "true", "GITLAB_CI": "true"},
    "azure-devops": {"TF_BUILD": "True"},
    "buildkite": {"CI": "true", "BUILDKITE": "true"},
    "circleci": {"CI": "true", "CIRCLECI": "true"},
    "bitbucket": {"CI": "true", "BITBUCKET_BUILD_NUMBER": "7"},
    "jenkins": {"JENKINS_URL": "https://jenkins.example.org/"},
}


def _move_services(repository: Path, providers: str, token_file: Path) -> None:
    """Let the files ask the doubles in place of services whose addresses are fixed."""
    for path in repository.rglob("*"):
        if path.is_file():
            text = path.read_text().replace(TOKEN_FILE, str(token_file))
            for place in (METADATA, MACHINE):
                text = text.replace(place, providers)
            path.write_text(text)


# --- What their authors see ----------------------------------------------------------------------


@by_system(STEPS_FIRST)
def test_two_packages_are_published_and_the_second_run_of_a_half_failed_job_is_green(
    template: Template, scratch: Path, pipeline: Printed
) -> None:
    with served(template, scratch, pipeline) as repository:
        repository.front.pushes_left = 1
        assert not repository.start(), repository.run.log
        assert BLOCKED in repository.run.log
        assert (repository.state("second"), repository.state("greet")) == (200, 404)
        has_token = pipeline.gives != "gitea"
        assert repository.ended_tokens == int(has_token)

        repository.run.environment = {**repository.run.environment, "RUN": "1"}
        repository.front.pushes_left = None
        assert repository.start(), repository.run.log
        assert (repository.state("second"), repository.state("greet")) == (200, 200)
        assert repository.ended_tokens == int(has_token)
        assert repository.front.count("POST", "/api/v1/dry-run") >= 2
        page = f"{repository.url}/packages/acme/greet/1.0.0"
        assert page in repository.run.log
        summary = (scratch / "summary.md").read_text()
        assert page in summary or "GITHUB_STEP_SUMMARY" not in repository.run.environment
        assert "blr_" not in repository.run.log
        assert not list((scratch / "home").rglob("*"))


@by_system(SHELLS_FIRST)
def test_a_job_that_nobody_trusts_fails_and_its_author_reads_why_in_its_log(
    template: Template, scratch: Path, pipeline: Printed
) -> None:
    if pipeline.gives == "gitea":
        pytest.skip("its jobs have a stored token")
    with served(template, scratch, pipeline) as repository:
        repository.identities.is_stranger = True
        assert not repository.start()
        [refusal] = filter(None, repository.front.refused)
        is_json = refusal.startswith("{")  # The shell asks for a text.
        sentence = json.loads(refusal)["error"]["message"] if is_json else refusal.strip()
        assert sentence in repository.run.log
        assert repository.state("second") == 404


# --- What stops a job ----------------------------------------------------------------------------

GITHUB, GITHUB_SHELL, GITLAB = (
    next(each for each in PIPELINES if each.files[0].template == name)
    for name in ("github.yml", "github-shell.yml", "gitlab.yml")
)


def replace_in_files(repository: Repository, old: str, new: str) -> None:
    for path in repository.run.repository.rglob("*.yml"):
        path.write_text(path.read_text().replace(old, new))


def test_a_job_runs_no_other_publish_py_than_the_one_that_was_read(
    template: Template, scratch: Path
) -> None:
    with served(template, scratch, GITHUB) as repository:
        served_file = httpx.get(f"{repository.url}/publish.py").content
        digest = hashlib.sha256(served_file).hexdigest()
        replace_in_files(repository, digest, "0" * 64)
        assert not repository.start()
        assert f"Its digest is on {repository.url}/about/publish" in repository.run.log
        assert repository.front.count("POST", EXCHANGE) == 0


@pytest.mark.parametrize("pipeline", [GITHUB, GITHUB_SHELL], ids=str)
def test_a_job_without_the_permission_reads_its_name(
    template: Template, scratch: Path, pipeline: Printed
) -> None:
    with served(template, scratch, pipeline) as repository:
        replace_in_files(repository, "      id-token: write\n", "")
        assert not repository.start()
        assert "permission id-token: write" in repository.run.log


@pytest.mark.parametrize("pipeline", [GITHUB, GITHUB_SHELL], ids=str)
def test_what_a_package_of_the_job_brings_is_not_missed(
    template: Template, scratch: Path, pipeline: Printed
) -> None:
    with served(template, scratch, pipeline, require_dependencies=True) as repository:
        assert repository.start(), repository.run.log
        assert "missing-dependencies" in repository.run.log
        assert (repository.state("second"), repository.state("greet")) == (200, 200)


MISSING = "acme/greet:1.0.0 depends on packages that are not in this registry: "
PUSH_FIRST = ". Push them first, or correct Dependencies.toml."
TOO_LOW = ("version-too-low", "The version is too low.")


@pytest.mark.parametrize(
    ("pipeline", "errors"),
    [
        (GITHUB_SHELL, [("missing-dependencies", f"{MISSING}acme/other:1.0.0{PUSH_FIRST}")]),
        (
            GITHUB_SHELL,
            [("missing-dependencies", f"{MISSING}acme/second:1.0.0, acme/other:1.0.0{PUSH_FIRST}")],
        ),
        (
            GITHUB_SHELL,
            [("missing-dependencies", f"{MISSING}acme/second:1.0.1{PUSH_FIRST}")],
        ),
        (
            GITHUB_SHELL,
            [("missing-dependencies", f"{MISSING}acme/second:1.0.0{PUSH_FIRST}"), TOO_LOW],
        ),
        (GITHUB_SHELL, [TOO_LOW]),
        (GITHUB_SHELL, []),
        (GITHUB, [("missing-dependencies", f"{MISSING}acme/second:1.0.0{PUSH_FIRST}"), TOO_LOW]),
    ],
    ids=["elsewhere", "one elsewhere", "another version", "another error", "error", "no why", "py"],
)
def test_an_error_of_a_dry_run_stops_a_job_before_it_publishes(
    template: Template, scratch: Path, pipeline: Printed, errors: list[tuple[str, str]]
) -> None:
    with served(template, scratch, pipeline) as repository:
        findings = [
            {"rule": rule, "severity": "error", "message": message} for rule, message in errors
        ]
        refused = {"findings": findings, "mayPublish": False}
        fine = {"findings": [], "mayPublish": True}
        # The first package of the job is fine.
        repository.front.queued["/api/v1/dry-run"] = [fine, refused]
        assert not repository.start()
        assert "may not be published" in repository.run.log
        assert repository.front.count("POST", "/2.0/registry/packages") == 0


def test_a_build_that_uses_a_withdrawn_version_stops_before_it_packs(
    template: Template, scratch: Path
) -> None:
    with served(template, scratch, GITHUB) as repository:
        lock = repository.run.repository / "greet" / "Dependencies.toml"
        lock.write_text(f'{LOCK}[[package]]\norg = "acme"\nname = "gone"\nversion = "1.0.0"\n')
        repository.front.answers["/api/v1/check"] = {
            "packages": [{"org": "acme", "name": "gone", "version": "1.0.0", "state": "withdrawn"}],
            "nextOffset": None,
        }
        assert not repository.start()
        assert "withdrawn" in repository.run.log
        assert not (scratch / "workspace" / "dist").exists()


@pytest.mark.parametrize("pipeline", [GITHUB, GITLAB], ids=str)
def test_the_dry_run_of_a_fork_is_left_out_with_a_sentence(
    template: Template, scratch: Path, pipeline: Printed
) -> None:
    with served(template, scratch, pipeline) as repository:
        assert repository.start(PULL_REQUEST_OF_FORK), repository.run.log
        assert "its dry run is left out" in repository.run.log
        assert repository.front.count("POST", EXCHANGE) == 0
