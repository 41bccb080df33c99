"""Jobs of CI systems, as their providers describe them.

A name can be given away and taken by somebody else, so a job is known by the ids that its provider
never gives twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from shared.domain.packages import Provenance


class Provider(Enum):
    """Who runs jobs and signs what they are."""

    GITHUB = "github"
    GITLAB = "gitlab"
    AZURE_DEVOPS = "azure-devops"
    ENTRA = "entra"  # Of publishers that earlier versions stored; its tokens are refused.

    @property
    def title(self) -> str:
        return _TITLES[self]


_TITLES = {
    Provider.GITHUB: "GitHub Actions",
    Provider.GITLAB: "GitLab CI",
    Provider.AZURE_DEVOPS: "Azure DevOps",
    Provider.ENTRA: "Entra ID",
}

NUMBER_PATTERN = "[0-9]{1,20}"
GUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# The claims that a provider never reuses, with their form. All of them must match; the first one
# is the key by which publishers are found.
ID_CLAIMS = {
    Provider.GITHUB: {"repository_id": NUMBER_PATTERN, "repository_owner_id": NUMBER_PATTERN},
    Provider.GITLAB: {"project_id": NUMBER_PATTERN, "namespace_id": NUMBER_PATTERN},
    Provider.AZURE_DEVOPS: {
        "prj_id": GUID_PATTERN,
        "org_id": GUID_PATTERN,
        "def_id": NUMBER_PATTERN,
    },
    Provider.ENTRA: {"oid": GUID_PATTERN, "tid": GUID_PATTERN},
}

# The servers of providers that are not self-hosted.
PROVIDER_SERVERS = {
    Provider.GITHUB: "https://github.com",
    Provider.GITLAB: "https://gitlab.com",
    Provider.AZURE_DEVOPS: "https://dev.azure.com",
    Provider.ENTRA: "https://login.microsoftonline.com",
}


@dataclass(frozen=True, slots=True)
class CiJob:
    """A job, as its provider describes it."""

    provider: Provider
    server: str
    ids: Mapping[str, str]
    repository: str = ""
    workflow: str = ""
    ref: str = ""
    protected: bool = False
    environment: str = ""
    environment_is_unprotected: bool = False  # Anybody who may push a branch can use it.
    commit: str = ""
    run_url: str = ""
    defined_elsewhere: str = ""  # The workflow, if it is not in this repository.

    @property
    def subject(self) -> str:
        """The key by which publishers of this job are found."""
        return job_subject(self.provider, self.ids)

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
        )

    def __str__(self) -> str:
        """Return a description for people: names first, then the ids that decide."""
        ids = ", ".join(f"{claim} {self.ids[claim]}" for claim in ID_CLAIMS[self.provider])
        names = f"{self.provider.title} {self.repository}".strip()
        return f"{names} ({ids})"


def provider_server(provider: Provider, issuer: str) -> str:
    if provider is Provider.GITLAB:
        return issuer
    if provider is not Provider.GITHUB:
        return PROVIDER_SERVERS[provider]
    parts = urlsplit(issuer)
    host = parts.netloc.removeprefix("token.actions.")
    known = "github.com" if host == "githubusercontent.com" else host
    return f"{parts.scheme}://{known}"


@dataclass(frozen=True, slots=True)
class VerifiedJob:
    """A job that a valid id token proves; `expires_ms` is when the token expires."""

    job: CiJob
    issuer: str
    token_id: str
    expires_ms: int


def job_subject(provider: Provider, ids: Mapping[str, str]) -> str:
    """Return the key that a publisher and its jobs share."""
    first = next(iter(ID_CLAIMS[provider]))
    return f"{provider.value}:{ids[first]}"
