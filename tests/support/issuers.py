"""Doubles of the issuers that have presets, and what their tokens say of a job that publishes
acme/greet.
"""

from collections.abc import Callable
from functools import partial

from shared.domain.trusted_publishing.presets import Preset, preset_of
from tests.fakes.system import FakeClock
from tests.support.job_issuers import Job, JobIssuers

COMMIT = "b8962f4eaff8e14fc646cb22c596c81e67d71362"
ORGANIZATION = "5a1c3c5e-8b7c-4b1e-9f0a-1c2d3e4f5a6b"
PROJECT = "7c2d4d6f-9c8d-4c2f-8a1b-2d3e4f5a6b7c"
WORKSPACE = "{a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d}"
REPOSITORY = "{b3c1f0a2-6f0e-4c3a-9a53-0f4c7b1f2d10}"
ENVIRONMENT = "{e5d2a1b4-7c1f-4d3e-8b64-1a5d8c2f3e21}"
STEP = "{11c6a3a5-3b61-4c7e-9b57-6a2f0c9d8e7f}"
TENANT = "8f1e2d3c-4b5a-4697-8a8b-9c0d1e2f3a4b"
IDENTITY = "c4b8e3a1-2d5f-4e6a-9b7c-8d0e1f2a3b4c"
SERVICE_ACCOUNT = "109876543210987654321"

Claims = dict[str, object]


def buildkite_job() -> Claims:
    """Return what Buildkite says of a step that publishes a tag."""
    return {
        "iss": "https://agent.buildkite.com",
        "sub": "organization:octo:pipeline:greet:ref:refs/tags/v1.0.0"
        f":commit:{COMMIT}:step:publish",
        "organization_slug": "octo",
        "organization_id": "0184990a-477b-4fa8-9968-496074483cee",
        "pipeline_slug": "greet",
        "pipeline_id": "0184990a-4782-42b5-afc1-16715b10b8ff",
        "build_number": 7,
        "build_branch": "main",
        "build_tag": "v1.0.0",
        "build_commit": COMMIT,
        "build_source": "webhook",
        "step_key": "publish",
        "job_id": "019583d7-3737-4e38-af67-f7cc356bd580",
        "agent_id": "0191f956-042f-7ec4-aa62-8e5eeae396d0",
        "runner_environment": "self-hosted",
    }


def circleci_job() -> Claims:
    """Return what CircleCI says, as the issuer of all organizations, of a job that runs a tag."""
    of_project = f"org/{ORGANIZATION}/project/{PROJECT}/user/0f5a3c1e-2b4d-4c6e-8f7a-9b0c1d2e3f4a"
    return {
        "iss": "https://oidc.circleci.com",
        "sub": f"{of_project}/vcs-origin/github.com/octo/greet/vcs-ref/refs/tags/v1.0.0",
        "oidc.circleci.com/org-id": ORGANIZATION,
        "oidc.circleci.com/project-id": PROJECT,
        "oidc.circleci.com/pipeline-definition-id": "3d2c1b0a-9f8e-4d7c-8b6a-5f4e3d2c1b0a",
        "oidc.circleci.com/context-ids": ["6b5a4f3e-2d1c-4b0a-9f8e-7d6c5b4a3f2e"],
        "oidc.circleci.com/vcs-origin": "github.com/octo/greet",
        "oidc.circleci.com/vcs-ref": "refs/tags/v1.0.0",
        "oidc.circleci.com/ssh-rerun": False,
    }


def bitbucket_job() -> Claims:
    """Return what Bitbucket says of a step that deploys to production."""
    return {
        "iss": "https://api.bitbucket.org/2.0/workspaces/octo/pipelines-config/identity/oidc",
        "sub": f"{REPOSITORY}:{ENVIRONMENT}:{STEP}",
        "accountUuid": WORKSPACE,
        "workspaceUuid": WORKSPACE,
        "repositoryUuid": REPOSITORY,
        "pipelineUuid": "{2f9c1e0d-8b7a-4c6d-9e5f-4a3b2c1d0e9f}",
        "stepUuid": STEP,
        "deploymentEnvironmentUuid": ENVIRONMENT,
    }


def google_job() -> Claims:
    """Return what Google says of a build that runs as a service account."""
    return {
        "iss": "https://accounts.google.com",
        "sub": SERVICE_ACCOUNT,
        "azp": SERVICE_ACCOUNT,
        "email": "publisher@octo-ci.iam.gserviceaccount.com",
        "email_verified": True,
    }


def kubernetes_job() -> Claims:
    """Return what a cluster says of a pod, in a token of its service account."""
    return {
        "iss": "https://oidc.cluster.example.org",
        "sub": "system:serviceaccount:ci:publisher",
        "jti": "7bd4ef1c-4a4f-4a0e-9a8c-3b0e1a0a6a3f",
        "kubernetes.io": {
            "namespace": "ci",
            "node": {"name": "node-1", "uid": "3b0e1a0a-6a3f-4a0e-9a8c-7bd4ef1c4a4f"},
            "pod": {"name": "publish-greet-x7k2p", "uid": "900f80ed-bafe-49f0-9ae2-c5f0a3ac2cbe"},
            "serviceaccount": {"name": "publisher", "uid": "a709ef71-30e2-489a-bd19-ade97031b9db"},
        },
    }


def jenkins_job() -> Claims:
    """Return what the plugin of Jenkins says of a build."""
    return {
        "iss": "https://jenkins.example.org/oidc",
        "sub": "https://jenkins.example.org/job/greet-release/",
        "build_number": 12,
    }


def forgejo_job() -> Claims:
    """Return what Forgejo says of a job that a tag started."""
    return {
        "iss": "https://forgejo.example.org/api/actions",
        "sub": "repo:octo-65/greet-74:ref:refs/tags/v1.0.0",
        "actor": "ann",
        "actor_id": "12",
        "event_name": "push",
        "ref": "refs/tags/v1.0.0",
        "ref_type": "tag",
        "repository": "octo/greet",
        "repository_id": "74",
        "repository_owner": "octo",
        "repository_owner_id": "65",
        "run_id": "41",
        "sha": COMMIT,
        "workflow": "release.yml",
    }


def entra_job() -> Claims:
    """Return what Entra ID says of a managed identity, in an access token of version 1."""
    application = "1a2b3c4d-5e6f-4708-9a0b-1c2d3e4f5a6b"
    return {
        "iss": f"https://sts.windows.net/{TENANT}/",
        "sub": IDENTITY,
        "oid": IDENTITY,
        "tid": TENANT,
        "appid": application,
        "appidacr": "2",
        "idp": f"https://sts.windows.net/{TENANT}/",
        "idtyp": "app",
        "uti": "mFrk9cQ0vUuXl3o7c9kXAA",
        "ver": "1.0",
        "xms_mirid": "/subscriptions/6a5b4c3d-2e1f-4a0b-9c8d-7e6f5a4b3c2d/resourcegroups/ci"
        "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/publisher",
    }


JOBS: dict[str, Callable[[], Claims]] = {
    "buildkite": buildkite_job,
    "circleci": circleci_job,
    "bitbucket": bitbucket_job,
    "google": google_job,
    "kubernetes": kubernetes_job,
    "jenkins": jenkins_job,
    "forgejo": forgejo_job,
    "entra": entra_job,
}
ISSUERS = {preset: str(job()["iss"]) for preset, job in JOBS.items()}
PRESETS = {label: preset_of(label, issuer) for label, issuer in ISSUERS.items()}
SETTINGS = {"publish_from_issuers": ",".join(f"{label}={url}" for label, url in ISSUERS.items())}
LIFETIME_S = 3600


def asked_claims(preset: Preset) -> dict[str, str]:
    """Return the claims of a publisher as the examples of the preset have them."""
    return {claim.name: claim.example for claim in preset.claims}


def preset_issuers(clock: FakeClock, audience: str) -> JobIssuers[str]:
    """Return all issuers that have presets, which write no `jti`."""
    jobs = {
        label: Job(
            ISSUERS[label],
            partial(_claims_of, label),
            audience=PRESETS[label].audience,
            lifetime_s=LIFETIME_S,
        )
        for label in JOBS
    }
    return JobIssuers(clock, audience, jobs, first_key=40)


def _claims_of(label: str, **_changes: object) -> Claims:
    return JOBS[label]()
