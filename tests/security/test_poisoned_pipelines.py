"""TanStack, 2026 (CVE-2026-45321): the real pipeline published what strangers had made.

Every kind of run is tried: what started it, on which ref, in which environment, of which head, and
whether the ref is protected. The cells that get a token are written out; all others get none.
"""

from dataclasses import dataclass
from itertools import product

import pytest

from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import Untrusted
from shared.domain.trusted_publishing.jobs import Provider
from tests.support.trusted_publishing import IDS, TrustedPublishingWorld, trusting
from tests.support.world import OpenWorld

pytestmark = pytest.mark.measured

OWN = "own"
ENVIRONMENTS = (None, "release", "staging")
PROTECTED = ("true", "false", None)


@dataclass(frozen=True)
class Cell:
    """One kind of run."""

    trigger: str
    ref: str
    environment: str | None
    head: str
    protected: str | None


GITHUB_TRIGGERS = (
    "push",
    "release",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "pull_request",
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "merge_group",
    "check_run",
    "deployment_status",
)
GITHUB_REFS = (
    "refs/heads/main",
    "refs/heads/dev",
    "refs/heads/main/x",
    "refs/tags/v1.0.0",
    "refs/tags/x",
    "refs/pull/7/merge",
)
GITHUB_HEADS = {
    OWN: {"head_ref": "", "base_ref": ""},
    "pull request": {"head_ref": "main", "base_ref": "main"},
}
GITHUB_RULES = {
    "workflow": "release.yml",
    "refs": ["refs/heads/main", "refs/tags/v*"],
    "environment": "release",
    "protected": True,
}
GITHUB_ALLOWED = {
    Cell(trigger, ref, "release", OWN, "true")
    for trigger in ("push", "release", "workflow_dispatch", "repository_dispatch", "schedule")
    for ref in ("refs/heads/main", "refs/tags/v1.0.0")
}

GITLAB_TRIGGERS = (
    "push",
    "web",
    "api",
    "trigger",
    "schedule",
    "merge_request_event",
    "external_pull_request_event",
    "parent_pipeline",
    "pipeline",
    "chat",
)
GITLAB_REFS = (
    "refs/heads/main",
    "refs/heads/dev",
    "refs/tags/v1.0.0",
    "refs/tags/x",
    "refs/merge-requests/7/head",
)
GITLAB_HEADS = {
    OWN: {"project_id": "20", "job_project_id": "20"},
    # Since 18.2.2 the project is the fork, and the job runs in ours.
    "fork": {"project_id": "21", "job_project_id": "20"},
    # Newer servers name the source as well, whatever they call the project.
    "source": {"project_id": "20", "job_project_id": "20", "source_project_id": "21"},
}
GITLAB_RULES = {name: rule for name, rule in GITHUB_RULES.items() if name != "workflow"}
GITLAB_ALLOWED = {
    Cell(trigger, ref, "release", OWN, "true")
    for trigger in ("push", "web", "api", "trigger", "schedule")
    for ref in ("refs/heads/main", "refs/tags/v1.0.0")
}


@pytest.fixture
async def trust(worlds: OpenWorld) -> TrustedPublishingWorld:
    return await trusting(worlds)


async def mints(trust: TrustedPublishingWorld, provider: Provider, **changes: object) -> bool:
    """Say whether a job with these claims gets a token; any other refusal than its own fails."""
    try:
        await trust.mint(provider, **changes)
    except Untrusted:
        return False
    except Refusal as refusal:
        pytest.fail(f"{changes}: {refusal}")
    return True


async def test_only_the_allowed_runs_of_github_get_a_token(trust: TrustedPublishingWorld) -> None:
    await trust.add(rules=GITHUB_RULES)
    cells = [
        Cell(*cell)
        for cell in product(GITHUB_TRIGGERS, GITHUB_REFS, ENVIRONMENTS, GITHUB_HEADS, PROTECTED)
    ]
    minted = {cell for cell in cells if await mints(trust, Provider.GITHUB, **_github(cell))}
    assert len(cells) == 1_296
    assert minted == GITHUB_ALLOWED


async def test_only_the_allowed_runs_of_gitlab_get_a_token(trust: TrustedPublishingWorld) -> None:
    await trust.add(provider=Provider.GITLAB, rules=GITLAB_RULES)
    cells = [
        Cell(*cell)
        for cell in product(GITLAB_TRIGGERS, GITLAB_REFS, ENVIRONMENTS, GITLAB_HEADS, PROTECTED)
    ]
    minted = {cell for cell in cells if await mints(trust, Provider.GITLAB, **_gitlab(cell))}
    assert len(cells) == 1_350
    assert minted == GITLAB_ALLOWED


@pytest.mark.parametrize(
    ("ref", "allowed"),
    [
        ("refs/heads/main", True),
        ("refs/heads/dev", False),
        ("refs/heads/main/x", False),
        ("refs/tags/main", False),
        ("refs/pull/7/merge", False),
        ("main", False),
        ("", False),
    ],
)
async def test_only_the_allowed_runs_of_azure_devops_get_a_token(
    trust: TrustedPublishingWorld, ref: str, allowed: bool
) -> None:
    await trust.add(provider=Provider.AZURE_DEVOPS, rules={"refs": ["refs/heads/main"]})
    assert await mints(trust, Provider.AZURE_DEVOPS, rpo_ref=ref) is allowed


@pytest.mark.parametrize("trigger", ["pull_request_target", "workflow_run"])
async def test_a_blocked_trigger_is_refused_even_where_the_rules_ask_for_nothing_else(
    trust: TrustedPublishingWorld, trigger: str
) -> None:
    await trust.add(rules={"workflow": "release.yml", "refs": ["refs/heads/m*", "refs/tags/*"]})
    answer = await trust.post(trust.ci.token(Provider.GITHUB, event_name=trigger))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "run-not-trusted"
    assert trigger in answer.json()["error"]["message"]


@pytest.mark.parametrize("ref", ["refs/tags/v1.0.0", "refs/tags/greet@1.0.0", "refs/heads/a@b"])
async def test_a_workflow_whose_file_name_holds_an_at_sign_is_no_other_one(
    trust: TrustedPublishingWorld, ref: str
) -> None:
    await trust.add(rules={"workflow": "release.yml", "refs": ["refs/heads/a*", "refs/tags/*"]})
    await trust.add(rules={"workflow": "greet.yml", "refs": ["refs/heads/a*", "refs/tags/*"]})

    async def runs(file: str) -> bool:
        path = f"octo/greet/.github/workflows/{file}@{ref}"
        claims = {"workflow_ref": path, "job_workflow_ref": path}
        return await mints(trust, Provider.GITHUB, ref=ref, **claims)

    assert not await runs("release.yml@evil.yml")
    assert await runs("release.yml")


@pytest.mark.parametrize("more", [{}, {"refs": ["refs/heads/main"]}, {"protected": True}])
async def test_an_environment_that_gitlab_does_not_protect_is_no_protection_by_itself(
    trust: TrustedPublishingWorld, more: dict[str, object]
) -> None:
    """Whoever may push a branch writes into their own file that its job runs there."""
    await trust.add(provider=Provider.GITLAB, rules={"environment": "release", **more})

    async def runs(protected: str | None) -> bool:
        claims = {"environment": "release", "environment_protected": protected}
        return await mints(trust, Provider.GITLAB, ref_protected="true", **claims)

    assert await runs("true")
    assert await runs("false") is bool(more)
    assert await runs(None) is bool(more)


FOREIGN = "evil/ci/.github/workflows/publish.yml@refs/tags/v1"


async def test_a_foreign_reusable_workflow_is_never_the_repositorys_own(
    trust: TrustedPublishingWorld,
) -> None:
    await trust.add()
    assert not await mints(trust, Provider.GITHUB, job_workflow_ref=FOREIGN)
    at_another_ref = "octo/greet/.github/workflows/release.yml@refs/heads/evil"
    assert not await mints(trust, Provider.GITHUB, job_workflow_ref=at_another_ref)
    refused = await trust.post(trust.ci.token(Provider.GITHUB, job_workflow_ref=FOREIGN))
    assert refused.status_code == 403
    assert FOREIGN in refused.json()["error"]["message"]
    assert await mints(trust, Provider.GITHUB)


async def test_a_reusable_workflow_that_the_publisher_names_is_the_only_one(
    trust: TrustedPublishingWorld,
) -> None:
    named = "octo/ci/.github/workflows/publish.yml@refs/tags/v1"
    rules = {**GITHUB_RULES, "reusable_workflow": named}
    await trust.add(rules=rules)
    assert await mints(trust, Provider.GITHUB, job_workflow_ref=named)
    assert not await mints(trust, Provider.GITHUB)
    assert not await mints(trust, Provider.GITHUB, job_workflow_ref=FOREIGN)


@pytest.mark.parametrize("uri", [None, "gitlab.com/evil/ci//.gitlab-ci.yml@refs/heads/main"])
async def test_a_pipeline_that_another_project_defines_is_never_the_projects_own(
    trust: TrustedPublishingWorld, uri: str | None
) -> None:
    await trust.add(provider=Provider.GITLAB, rules=GITLAB_RULES, ids=IDS[Provider.GITLAB])
    assert await mints(trust, Provider.GITLAB)
    assert not await mints(trust, Provider.GITLAB, ci_config_ref_uri=uri)


async def test_refusals_do_not_tell_strangers_who_publishes_which_package(
    trust: TrustedPublishingWorld,
) -> None:
    """A pull request runs in the repository itself, so its author reads the answer."""
    blocked = trust.ci.token(Provider.GITHUB, event_name="pull_request_target")
    without = await trust.post(blocked)
    await trust.add("acme/secret", ids=IDS[Provider.GITHUB])
    again = trust.ci.token(Provider.GITHUB, event_name="pull_request_target")
    assert (await trust.post(again)).json() == without.json()


def _github(cell: Cell) -> dict[str, object]:
    return {
        "event_name": cell.trigger,
        "ref": cell.ref,
        "environment": cell.environment,
        "ref_protected": cell.protected,
        **GITHUB_HEADS[cell.head],
    }


def _gitlab(cell: Cell) -> dict[str, object]:
    return {
        "pipeline_source": cell.trigger,
        "ref_path": cell.ref,
        "environment": cell.environment,
        "ref_protected": cell.protected,
        **GITLAB_HEADS[cell.head],
    }
