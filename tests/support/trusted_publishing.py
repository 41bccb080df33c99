"""CI jobs with the claims that each provider signs for them, and a registry that trusts them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
from msgspec.structs import replace

from shared.auth.secrets import Secret
from shared.domain.coordinates import Package
from shared.domain.events import Event, org_stream
from shared.domain.grants import Grant
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.trusted_publishing.jobs import ID_CLAIMS, Provider
from shared.domain.trusted_publishing.publishers import Publisher
from shared.services.adapters import Adapters
from shared.services.tokens.tokens import IssuedToken
from shared.services.tokens.trusted_publishers import PublisherRequest
from shared.services.tokens.trusted_publishing import AZURE_DEVOPS_AUDIENCE
from tests.fakes.system import FakeClock
from tests.support.job_issuers import Job, JobIssuers
from tests.support.world import URL, OpenWorld, Person, World

EXCHANGE = f"{URL}/api/v1/trusted-publishing/token"

# Rules that the jobs below follow.
RULES: dict[Provider, dict[str, object]] = {
    Provider.GITHUB: {
        "workflow": "release.yml",
        "refs": ["refs/tags/v*"],
        "environment": "release",
        "protected": True,
    },
    Provider.GITLAB: {"refs": ["refs/heads/main"], "environment": "release", "protected": True},
    Provider.AZURE_DEVOPS: {"refs": ["refs/heads/main"]},
}


def provider_issuers(clock: FakeClock, audience: str) -> JobIssuers[Provider]:
    """Return all providers; each of their tokens has an id of its own."""
    jobs = {
        provider: Job(
            ISSUERS[provider],
            claims,
            audience=AZURE_DEVOPS_AUDIENCE if provider is Provider.AZURE_DEVOPS else "",
            lifetime_s=LIFETIME_S,
            has_token_ids=True,
        )
        for provider, claims in JOBS.items()
    }
    return JobIssuers(clock, audience, jobs, first_key=20)


@dataclass
class TrustedPublishingWorld:
    """A world with its CI systems."""

    world: World
    ci: JobIssuers[Provider]

    def person(self, person: Person, **changes: Any) -> Principal:
        """Return somebody who just signed in."""
        now_ms = self.world.clock.now_ms()
        account = person.account
        fresh = Principal(account.id, "session", (Grant(),), signed_in_ms=now_ms)
        return replace(fresh, **changes)

    @property
    def owner(self) -> Principal:
        """Return Ann, who owns `acme` and just signed in."""
        return self.person(self.world.people.ann)

    async def add(
        self,
        package: str = "acme/greet",
        provider: Provider = Provider.GITHUB,
        *,
        by: Principal | None = None,
        **changes: Any,
    ) -> Publisher:
        """Let the job of a provider, as it is below, publish a package."""
        wanted = PublisherRequest(
            Package.parse(*package.split("/")),
            provider,
            IDS[provider],
            repository="octo/greet",
            rules=RULES[provider],
        )
        publishers = self.world.registry.tokens.trusted_publishers
        return await publishers.add(replace(wanted, **changes), by=by or self.owner)

    async def exchange(self, token: str, **options: Any) -> IssuedToken:
        """Exchange an id token, in process."""
        publishing = self.world.registry.tokens.trusted_publishing
        return await publishing.exchange(Secret(token), by=ANONYMOUS, **options)

    async def mint(self, provider: Provider = Provider.GITHUB, **changes: object) -> IssuedToken:
        """Let a job of the provider get its token."""
        return await self.exchange(self.ci.token(provider, **changes))

    async def post(self, token: str, **fields: object) -> httpx.Response:
        """Exchange an id token over HTTP."""
        body = json.dumps({"token": token, **fields}).encode()
        return await self.world.send("POST", EXCHANGE, content=body)

    async def job(self, provider: Provider = Provider.GITHUB, **changes: object) -> Person:
        """Return a job that has its token, as somebody who can push."""
        issued = await self.mint(provider, **changes)
        return Person(self.world.people.ann.account, issued.text.reveal())

    async def log(self, org: str = "acme") -> list[Event]:
        """Return what the log of an organization says, newest first."""
        found = await self.world.stores.events.stream(org_stream(org), None, 100)
        return [event for _, event in found]


async def trusting(
    worlds: OpenWorld, wrap: Callable[[Adapters], Adapters] = lambda stores: stores, **settings: Any
) -> TrustedPublishingWorld:
    """Open a registry that trusts all providers; `wrap` goes around its stores."""
    made: list[JobIssuers[Provider]] = []

    def connect(stores: Adapters) -> Adapters:
        made.append(provider_issuers(cast(FakeClock, stores.clock), URL))
        return wrap(replace(stores, fetcher=made[0].internet))

    world = await worlds(wrap=connect, **{**SETTINGS, **settings})
    return TrustedPublishingWorld(world, made[0])


Claims = Mapping[str, object]

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
AZURE_DEVOPS = "https://vstoken.dev.azure.com"

COMMIT = "b8962f4eaff8e14fc646cb22c596c81e67d71362"
ORGANIZATION = "0ca3ddd9-f0b0-4635-a98c-5866526961b6"
PROJECT = "271ef6f7-5998-4b0f-86fb-4b54d9129990"


def github_job(**changes: object) -> dict[str, object]:
    """Return what GitHub says of a job that a tag started in the environment release."""
    claims: dict[str, object] = {
        "iss": GITHUB,
        "sub": "repo:octo@65/greet@74:environment:release",
        "jti": "1e410ab1-302e-4e33-8c5f-869a4bd12c3b",
        "actor": "ann",
        "actor_id": "12",
        "base_ref": "",
        "environment": "release",
        "event_name": "push",
        "head_ref": "",
        "ref": "refs/tags/v1.0.0",
        "ref_protected": "true",
        "ref_type": "tag",
        "repository": "octo/greet",
        "repository_id": "74",
        "repository_owner": "octo",
        "repository_owner_id": "65",
        "repository_visibility": "public",
        "run_attempt": "2",
        "run_id": "32291736541",
        "run_number": "10",
        "runner_environment": "github-hosted",
        "sha": COMMIT,
        "workflow": "Release",
        "workflow_ref": "octo/greet/.github/workflows/release.yml@refs/tags/v1.0.0",
    }
    # Without a reusable workflow both claims say the same.
    own = changes.get("workflow_ref", claims["workflow_ref"])
    return claims | {"job_workflow_ref": own} | changes


def gitlab_job(**changes: object) -> dict[str, object]:
    """Return what GitLab says of a job that a push to main started in the environment release."""
    claims: dict[str, object] = {
        "iss": GITLAB,
        "sub": "project_path:tools/ci/greet:ref_type:branch:ref:main",
        "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
        "namespace_id": "72",
        "namespace_path": "tools/ci",
        "project_id": "20",
        "project_path": "tools/ci/greet",
        "user_id": "1",
        "user_login": "ann",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": "true",
        "environment": "release",
        "environment_protected": "true",
        "runner_id": 1,
        "runner_environment": "gitlab-hosted",
        "sha": COMMIT,
        "ci_config_ref_uri": "gitlab.com/tools/ci/greet//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": COMMIT,
        "job_project_id": "20",
        "job_namespace_id": "72",
    }
    return claims | changes


def azure_devops_job(**changes: object) -> dict[str, object]:
    """Return what Azure DevOps says of a pipeline that runs on main."""
    claims: dict[str, object] = {
        "iss": f"{AZURE_DEVOPS}/{ORGANIZATION}",
        "sub": "p://octo/My tools/greet release",
        "jti": "90b75b0a-61b6-4b71-ba6f-11107d95f4c5",
        "org_id": ORGANIZATION,
        "prj_id": PROJECT,
        "def_id": "1",
        "rpo_id": "8a5c9f1e-1d1c-4c0c-9a4a-4a51b0c6f5d1",
        "rpo_uri": "https://dev.azure.com/octo/My%20tools/_git/greet",
        "rpo_ver": COMMIT,
        "rpo_ref": "refs/heads/main",
        "run_id": "5",
    }
    return claims | changes


JOBS: dict[Provider, Callable[..., dict[str, object]]] = {
    Provider.GITHUB: github_job,
    Provider.GITLAB: gitlab_job,
    Provider.AZURE_DEVOPS: azure_devops_job,
}
IDS = {
    provider: {claim: str(JOBS[provider]()[claim]) for claim in ID_CLAIMS[provider]}
    for provider in JOBS
}
ISSUERS = {provider: str(job()["iss"]) for provider, job in JOBS.items()}
SETTINGS = {
    "publish_from_github": GITHUB,
    "publish_from_gitlab": GITLAB,
    "publish_from_azure_devops": f"{AZURE_DEVOPS}/{ORGANIZATION}",
}
LIFETIME_S = 300
