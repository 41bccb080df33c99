"""Jobs of CI systems, as their providers describe them.

A name can be given away and taken by somebody else, so a job is known by the ids that its provider
never gives twice.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, TypeVar, cast
from urllib.parse import quote, urlsplit

from msgspec import Struct
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.domain.errors.identity import Untrusted
from shared.domain.packages import Provenance
from shared.domain.tokens import MAX_TOKEN_NAME_LENGTH
from shared.domain.trusted_publishing.claims import (
    MAX_CLAIM_LENGTH,
    SUBJECT,
    read_claims,
    shown_claim,
)
from shared.domain.trusted_publishing.issuers import IssuerTraits, is_tenant_of


class Provider(Enum):
    """Who runs jobs and signs what they are."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE_DEVOPS = "azure-devops"
    # Only in publishers that earlier versions stored; tokens of Entra ID are refused.
    ENTRA = "entra"
    OIDC = "oidc"  # Any issuer of OpenID Connect that the operator names.

    @property
    def title(self) -> str:
        return _TITLES[self]


# Stored publishers of Entra ID are shown, and a new one is refused with the way to add it.
OFFERED_PROVIDERS = tuple(each for each in Provider if each is not Provider.ENTRA)

_TITLES = {
    Provider.GITHUB: "GitHub Actions",
    Provider.GITLAB: "GitLab CI",
    Provider.AZURE_DEVOPS: "Azure DevOps",
    Provider.ENTRA: "Entra ID",
    Provider.OIDC: "OpenID Connect",
}

MAX_ACTOR_LENGTH = 200  # Characters.
_NOT_IN_ACTORS = re.compile(r"[^A-Za-z0-9_.:@{}-]")

NUMBER_PATTERN = "[0-9]{1,20}"
GUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# A definition of Azure DevOps can be pointed at another repository, which has another id. The id of
# a repository at GitHub or Bitbucket is its name.
REPOSITORY_ID = "rpo_id"
REPOSITORY_ID_PATTERN = r"[a-z0-9._:/{}-]{1,255}"

# The claims that a provider never reuses, with their form. All of them must match; the first one
# is the key by which publishers are found; those of any issuer are found by the issuer.
ID_CLAIMS: dict[Provider, dict[str, str]] = {
    Provider.GITHUB: {"repository_id": NUMBER_PATTERN, "repository_owner_id": NUMBER_PATTERN},
    Provider.GITLAB: {"project_id": NUMBER_PATTERN, "namespace_id": NUMBER_PATTERN},
    Provider.AZURE_DEVOPS: {
        "prj_id": GUID_PATTERN,
        "org_id": GUID_PATTERN,
        "def_id": NUMBER_PATTERN,
        REPOSITORY_ID: REPOSITORY_ID_PATTERN,
    },
    Provider.ENTRA: {"oid": GUID_PATTERN, "tid": GUID_PATTERN},
    Provider.OIDC: {},
}

RUNNER_CLAIM = "runner_environment"  # The claim that says whose machine runs the job.
RUNNERS_OF_PROVIDERS = {Provider.GITHUB: "github-hosted", Provider.GITLAB: "gitlab-hosted"}

# The claims besides these that releases keep, and that can be rules.
RUN_CLAIMS: dict[Provider, tuple[str, ...]] = {
    Provider.GITHUB: (
        "workflow_sha",
        "job_workflow_sha",
        "actor_id",
        RUNNER_CLAIM,
        "repository_visibility",
    ),
    Provider.GITLAB: (
        "ci_config_sha",
        "job_namespace_id",
        "job_project_id",
        "project_visibility",
        RUNNER_CLAIM,
        "runner_id",
        "user_id",
    ),
    Provider.AZURE_DEVOPS: (),
    Provider.ENTRA: (),
    Provider.OIDC: (),  # Any claim can be a rule, and releases keep its subject.
}

PERSONAL_CLAIMS = frozenset({"actor_id", "user_id"})  # Who started the run.

# The servers of providers that are not self-hosted.
PROVIDER_SERVERS = {
    Provider.GITHUB: "https://github.com",
    Provider.GITLAB: "https://gitlab.com",
    Provider.AZURE_DEVOPS: "https://dev.azure.com",
    Provider.ENTRA: "https://login.microsoftonline.com",
}


class CiJob(Struct, frozen=True):
    """A job, as its provider describes it."""

    provider: Provider
    server: str
    ids: Mapping[str, str]
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    # A pull request from a branch of the repository itself. Its jobs may read, and never publish.
    is_of_pull_request: bool = False
    protected: bool = False
    environment: str = ""
    environment_is_unprotected: bool = False  # Anybody who may push a branch can use it.
    commit: str = ""
    run_url: str = ""
    defined_elsewhere: str = ""  # The workflow, if it is not in this repository.
    # Other claims, some of which rules can require.
    claims: Mapping[str, str] = {}
    # Only for `Provider.OIDC`: the operator's name of the issuer, the audiences of the token, and
    # the claims that only one customer of the issuer can have.
    label: str = ""
    audiences: tuple[str, ...] = ()
    customer_claims: Mapping[str, str] = {}

    @property
    def subject(self) -> str:
        """The key by which publishers of this job are found."""
        return job_subject(self.provider, self.ids, self.server)

    @property
    def actor(self) -> str:
        """The job in the audit log, as one of letters that ids of actors may have."""
        if self.provider is not Provider.OIDC:
            return self.subject
        named = _NOT_IN_ACTORS.sub("|", self.claims.get(SUBJECT, ""))
        return f"{self.provider.value}:{named}"[:MAX_ACTOR_LENGTH]

    @property
    def title(self) -> str:
        """The name that lists show for the token of the job."""
        named = self.repository or self.claims.get(SUBJECT, "")
        return f"{self.label or self.provider.title} {named}".strip()[:MAX_TOKEN_NAME_LENGTH]

    def provenance(self, *publishers: str) -> Provenance:
        """Return the provenance of releases that these publishers let the job publish."""
        return Provenance(
            provider=self.provider.value,
            publishers=publishers,
            repository=self.repository,
            workflow=self.workflow,
            ref=self.ref,
            commit=self.commit,
            run_url=self.run_url,
            defined_elsewhere=self.defined_elsewhere,
            issuer=self.server if self.provider is Provider.OIDC else "",
            subject=self.claims.get(SUBJECT, ""),
            claims={} if self.provider is Provider.OIDC else {**self.ids, **self.claims},
        )

    def __str__(self) -> str:
        """Return a description for people: names first, then the ids that decide."""
        if self.provider is Provider.OIDC:
            return f"{self.server} (sub {shown_claim(self.claims.get(SUBJECT, ''))})"
        ids = ", ".join(f"{claim} {self.ids[claim]}" for claim in ID_CLAIMS[self.provider])
        names = f"{self.provider.title} {self.repository}".strip()
        return f"{names} ({ids})"


def provider_server(provider: Provider, issuer: str) -> str:
    if provider in (Provider.GITLAB, Provider.OIDC):
        return issuer
    if provider is not Provider.GITHUB:
        return PROVIDER_SERVERS[provider]
    parts = urlsplit(issuer)
    host = parts.netloc.removeprefix("token.actions.")
    known = "github.com" if host == "githubusercontent.com" else host
    return f"{parts.scheme}://{known}"


class VerifiedJob(Struct, frozen=True):
    """A job that a valid id token proves; `expires_ms` is when the token expires."""

    job: CiJob
    issuer: str
    token_id: str
    issued_ms: int
    expires_ms: int
    may_repeat: bool = False  # Its issuer hands the same token out again.


def job_subject(provider: Provider, ids: Mapping[str, str], server: str) -> str:
    """Return the key that a publisher and its jobs share."""
    first = next(iter(ID_CLAIMS[provider]), None)
    return f"{provider.value}:{server if first is None else ids[first]}"


JobTokenClaims = Mapping[str, object]

# Triggers that need write access to the repository. All others are refused, including ones that
# providers may add later: pull_request_target and workflow_run have the rights of the repository,
# for every actor, and a child pipeline does not say whether its parent is a merge request's.
ALLOWED_TRIGGERS = {
    Provider.GITHUB: ("push", "release", "workflow_dispatch", "repository_dispatch", "schedule"),
    Provider.GITLAB: ("push", "web", "api", "trigger", "schedule"),
}

PULL_REQUEST_TRIGGERS = {Provider.GITHUB: "pull_request", Provider.GITLAB: "merge_request_event"}
_PULL_REQUESTS = "refs/pull/"

# Stands in sentences for the definition of a job that does not say where it is defined.
UNTOLD = "another place"
_PUBLISHABLE = ("refs/heads/", "refs/tags/")  # Pull and merge requests have refs elsewhere.


def read_job_claims(provider: Provider, claims: JobTokenClaims) -> CiJob:
    """Return the job whose token has these claims; its signature is verified before.

    Raises `claim-unusable` or `run-not-trusted`.
    """
    return _READERS[provider](claims)


def read_any_claims(
    issuer: str, traits: IssuerTraits, claims: JobTokenClaims, label: str = ""
) -> CiJob:
    """Return the job whose token of any issuer has these claims; its signature is verified before,
    and its audience is not. `label` is the operator's name of the issuer.

    Raises `claim-unusable` for a token of another tenant.
    """
    read = read_claims(claims)
    if not is_tenant_of(issuer, read, traits):
        raise _claim_unusable(issuer, traits.tenant_claim)
    audience = claims.get("aud")
    audiences = cast(list[object], audience) if isinstance(audience, list) else [audience]
    return CiJob(
        provider=Provider.OIDC,
        server=issuer,
        ids={},
        label=label,
        claims=read,
        audiences=tuple(map(str, audiences)),
        customer_claims=traits.customer_claims,
    )


# --- what the claims look like -----------------------------------------------------------------


def _text(value: object) -> object:
    """Return an empty string for a claim that is null."""
    return "" if value is None else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _said(value: object) -> bool:
    """Read a boolean claim; some providers send text, and anything but `true` is false."""
    return str(value).lower() == "true"


Number = Annotated[str, Field(pattern=f"^{NUMBER_PATTERN}$")]
Guid = Annotated[str, BeforeValidator(_lower), Field(pattern=f"^{GUID_PATTERN}$")]
Optional = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool, BeforeValidator(_said)]
_PATH = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$"


class _JobClaims(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        str_max_length=512,
        defer_build=True,
    )

    iss: str


class _GitHub(_JobClaims):
    repository: str = Field(pattern=_PATH)
    repository_id: Number
    repository_owner_id: Number
    workflow_ref: str
    job_workflow_ref: str
    event_name: str
    head_ref: Optional = ""
    base_ref: Optional = ""
    repository_visibility: Optional = ""
    ref: str
    ref_protected: Flag = False
    environment: Optional = ""
    sha: str
    run_id: Number
    run_attempt: Number


class _GitLab(_JobClaims):
    project_path: str = Field(pattern=_PATH)
    project_id: Number
    namespace_id: Number
    job_project_id: Optional = ""
    source_project_id: Optional = ""
    ci_config_ref_uri: Optional = ""
    pipeline_source: str
    ref_path: str
    ref_protected: Flag = False
    environment: Optional = ""
    environment_protected: Flag = False
    sha: str
    job_id: Number


class _AzureDevOps(_JobClaims):
    sub: str = Field(pattern="^p://[^/]+/[^/]+/[^/]+$")
    org_id: Guid
    prj_id: Guid
    def_id: Number
    rpo_id: Annotated[str, BeforeValidator(_lower), Field(pattern=f"^{REPOSITORY_ID_PATTERN}$")]
    rpo_uri: str
    rpo_ref: str
    rpo_ver: str
    run_id: Number


JobClaims = TypeVar("JobClaims", bound=_JobClaims)


def _parsed(model: type[JobClaims], provider: Provider, claims: JobTokenClaims) -> JobClaims:
    try:
        return model.model_validate(claims)
    except ValidationError as error:
        claim = str(error.errors()[0]["loc"][0])
        raise _claim_unusable(provider.title, claim) from None


def _ids(provider: Provider, job: _JobClaims) -> dict[str, str]:
    return {claim: getattr(job, claim) for claim in ID_CLAIMS[provider]}


def _run_claims(provider: Provider, claims: JobTokenClaims) -> dict[str, str]:
    """Return the claims that releases keep; those that a provider does not say are left out."""
    texts = read_claims({name: claims[name] for name in RUN_CLAIMS[provider] if name in claims})
    return {name: value for name, value in texts.items() if 0 < len(value) <= MAX_CLAIM_LENGTH}


# --- one reader a provider ---------------------------------------------------------------------


def _github(claims: JobTokenClaims) -> CiJob:
    job = _parsed(_GitHub, Provider.GITHUB, claims)
    is_of_pull_request = job.event_name == PULL_REQUEST_TRIGGERS[Provider.GITHUB]
    if is_of_pull_request:
        _check_pull_request(job)
    else:
        _check_trigger(Provider.GITHUB, job.event_name)
        # There is no claim for the repository of a head: a run with one belongs to a pull request.
        if job.head_ref or job.base_ref:
            _refuse_run(_PULL_REQUEST)
        _check_ref(job.ref)
    server = provider_server(Provider.GITHUB, job.iss)
    path, _ = _path_and_ref(job.workflow_ref)
    return CiJob(
        provider=Provider.GITHUB,
        server=server,
        ids=_ids(Provider.GITHUB, job),
        repository=job.repository,
        workflow=_file_below(f"{job.repository}/.github/workflows/", path),
        defined_elsewhere=_github_elsewhere(job),
        ref=job.ref,
        is_of_pull_request=is_of_pull_request,
        protected=job.ref_protected,
        environment=job.environment,
        commit=job.sha,
        claims=_run_claims(Provider.GITHUB, claims),
        run_url=f"{server}/{job.repository}/actions/runs/{job.run_id}/attempts/{job.run_attempt}",
    )


def _check_pull_request(job: _GitHub) -> None:
    """Raise unless the pull request is of the repository itself.

    GitHub signs no token for one of a fork of a public repository. Administrators of any other
    repository can allow it, and then no claim tells.
    """
    if job.repository_visibility != "public":
        _refuse_run(
            f"{_PULL_REQUEST}, and GitHub does not say of a repository that is not public whether "
            "that is of a fork"
        )
    if not (job.head_ref and job.ref.startswith(_PULL_REQUESTS)):
        _refuse_run(_PULL_REQUEST)


def _github_elsewhere(job: _GitHub) -> str:
    """Return the workflow that defines the job, unless it is of this repository and ref.

    A workflow can call a reusable one, which anybody may have written: `workflow_ref` is the
    caller, and `job_workflow_ref` is the workflow whose steps can request the token.
    """
    path, ref = _path_and_ref(job.job_workflow_ref)
    is_here = path.startswith(f"{job.repository}/.github/workflows/")
    is_own = is_here and ref == _path_and_ref(job.workflow_ref)[1]
    return "" if is_own else job.job_workflow_ref or UNTOLD


def _gitlab(claims: JobTokenClaims) -> CiJob:
    job = _parsed(_GitLab, Provider.GITLAB, claims)
    is_of_pull_request = job.pipeline_source == PULL_REQUEST_TRIGGERS[Provider.GITLAB]
    if is_of_pull_request and not job.job_project_id:
        _refuse_run(
            f"{_PULL_REQUEST}, and this GitLab does not say of which project (job_project_id)"
        )
    if not is_of_pull_request:
        _check_trigger(Provider.GITLAB, job.pipeline_source)
    # A job of ours that runs the code of a fork has the fork's project_id, since 18.2.2.
    if {job.job_project_id, job.source_project_id} - {job.project_id, ""}:
        _refuse_run("it belongs to a fork")
    _check_ref(job.ref_path)
    server = provider_server(Provider.GITLAB, job.iss)
    path, _ = _path_and_ref(job.ci_config_ref_uri)
    own = f"{server.partition('://')[2]}/{job.project_path}//"
    return CiJob(
        provider=Provider.GITLAB,
        server=server,
        ids=_ids(Provider.GITLAB, job),
        repository=job.project_path,
        workflow=path.removeprefix(own),
        # GitLab leaves the claim empty where the pipeline is defined outside of the project.
        defined_elsewhere="" if path.startswith(own) else path or UNTOLD,
        ref=job.ref_path,
        is_of_pull_request=is_of_pull_request,
        protected=job.ref_protected,
        environment=job.environment,
        environment_is_unprotected=not job.environment_protected,
        commit=job.sha,
        claims=_run_claims(Provider.GITLAB, claims),
        run_url=f"{server}/{job.project_path}/-/jobs/{job.job_id}",
    )


def _azure_devops(claims: JobTokenClaims) -> CiJob:
    job = _parsed(_AzureDevOps, Provider.AZURE_DEVOPS, claims)
    # One key signs for all organizations, so the issuer must be that of this organization.
    if job.iss.lower().rpartition("/")[2] != job.org_id:
        raise _claim_unusable(Provider.AZURE_DEVOPS.title, "org_id")
    _check_ref(job.rpo_ref)
    server = PROVIDER_SERVERS[Provider.AZURE_DEVOPS]
    organization, project, pipeline = job.sub.removeprefix("p://").split("/")
    run = f"{quote(organization)}/{quote(project)}/_build/results?buildId={job.run_id}"
    return CiJob(
        provider=Provider.AZURE_DEVOPS,
        server=server,
        ids=_ids(Provider.AZURE_DEVOPS, job),
        repository=job.rpo_uri,
        workflow=pipeline,
        ref=job.rpo_ref,
        commit=job.rpo_ver,
        run_url=f"{server}/{run}",
    )


_PULL_REQUEST = "it belongs to a pull request"


def pull_request_refusal() -> Untrusted:
    """Return the refusal of a run of a pull request that wants to publish."""
    return _run_not_trusted(_PULL_REQUEST, _OWN_REF)


def _check_trigger(provider: Provider, trigger: str) -> None:
    if trigger not in ALLOWED_TRIGGERS[provider]:
        why = f"it was started by {trigger[:80]!r}"
        raise _run_not_trusted(
            why, f"a run that is started by {', '.join(ALLOWED_TRIGGERS[provider])}"
        )


def _check_ref(ref: str) -> None:
    if not ref.startswith(_PUBLISHABLE):
        _refuse_run(f"its ref {ref[:80]!r} is neither a branch nor a tag")


def _refuse_run(why: str) -> None:
    raise _run_not_trusted(why, _OWN_REF)


_OWN_REF = "a branch or a tag of the repository itself"


def _path_and_ref(text: str) -> tuple[str, str]:
    """Split a path from its ref or commit.

    Both may hold an `@`: a file named `release.yml@other.yml` is not `release.yml`.
    """
    path, separator, ref = text.rpartition("@refs/")
    if not separator:
        path, _, ref = text.rpartition("@")
    return path, ref


def _file_below(folder: str, path: str) -> str:
    """Return the name of a file in the folder, or the whole path of any other file."""
    name = path.removeprefix(folder)
    return path if "/" in name else name


_READERS: dict[Provider, Callable[[JobTokenClaims], CiJob]] = {
    Provider.GITHUB: _github,
    Provider.GITLAB: _gitlab,
    Provider.AZURE_DEVOPS: _azure_devops,
}


OLDEST_GITLAB = "16.2"  # It added ci_config_ref_uri, which says who defines a pipeline.


def _claim_unusable(provider: str, claim: str) -> Untrusted:
    since = f" since version {OLDEST_GITLAB}" if provider == Provider.GITLAB.title else ""
    return Untrusted(
        "claim-unusable",
        f"The id token does not say {claim} as {provider} does{since}. Ask the provider for the "
        "token inside the job, and send it as it is.",
    )


def _run_not_trusted(why: str, instead: str) -> Untrusted:
    return Untrusted(
        "run-not-trusted",
        f"This run may not publish: {why}, so it may do what strangers want. Publish from "
        f"{instead}.",
    )
