"""How many releases are a burst, when reports quarantine one, and which CI jobs may publish."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.domain.errors.base import printable
from shared.settings.values import (
    Addresses,
    NamedIssuers,
    TopicSettings,
    apart_from,
    split_list,
)


def _check_files(text: str) -> str:
    for each in split_list(text):
        try:
            Path(each).open("rb").close()
        except OSError as error:
            trouble = (error.strerror or type(error).__name__).lower()
            subject = f"{printable(each)} is no file to read ({trouble})"
            reason = f"{subject}, such as /etc/ballroom/roots.jsonl"
            raise ValueError(reason) from None
    return text


_LEAST_THRESHOLD = 2  # One account alone must not withhold a release of others.


def _check_threshold(weight: int) -> int:
    if weight and weight < _LEAST_THRESHOLD:
        reason = "it is neither 0 nor 2 or more, such as 3: one account alone is never enough"
        raise ValueError(reason)
    return weight


class BurstSettings(TopicSettings):
    """How many releases are a burst."""

    brake_packages: int = Field(
        default=20,
        ge=1,
        description="Different packages that one principal may publish within ten minutes; further "
        "releases are held until an owner confirms them.",
    )
    brake_releases: int = Field(
        default=60,
        ge=1,
        description="Releases that one principal may publish within ten minutes, of however few "
        "packages; further ones are held until an owner confirms them.",
    )


class ReleaseMailSettings(TopicSettings):
    """Who gets mail about releases."""

    release_mail: bool = Field(
        default=False,
        description="Send mail about each new release to all owners of its organization, so that "
        "nobody publishes unnoticed with a stolen credential.",
    )


class ReportSettings(TopicSettings):
    """When reports of users quarantine a release."""

    reports_quarantine: Annotated[int, AfterValidator(_check_threshold)] = Field(
        default=0,
        ge=0,
        le=100,
        description="Weight of reports (docs/run/reports.md) that quarantines a release until an "
        "administrator decides, from 2; 0 leaves every release to administrators.",
    )


class TrustedPublishingSettings(TopicSettings):
    """The issuers whose jobs may be trusted publishers."""

    publish_from_github: Addresses = Field(
        default="https://token.actions.githubusercontent.com",
        description="Issuers of GitHub Actions whose jobs may be trusted publishers, separated by "
        "commas; empty for none.",
    )
    publish_from_gitlab: Addresses = Field(
        default="https://gitlab.com",
        description="The same for GitLab CI: the addresses of GitLab servers.",
    )
    publish_from_azure_devops: Addresses = Field(
        default="",
        description="The same for Azure DevOps: https://vstoken.dev.azure.com/ and the id of an "
        "organization. Its tokens are not issued for only one registry.",
    )
    publish_from_issuers: Annotated[
        NamedIssuers,
        apart_from("publish_from_github", "publish_from_gitlab", "publish_from_azure_devops"),
    ] = Field(
        default="",
        description="Other issuers of OpenID Connect whose tokens may be trusted publishers, as "
        "label=address, separated by commas: buildkite=https://agent.buildkite.com. The label "
        "names a preset (docs/use/trusted-publishing.md), or is a name of your own.",
    )
    publish_id_token_hours: int = Field(
        default=24,
        ge=1,
        le=48,
        description="How old a token may be whose issuer hands the same one out for hours (Entra "
        "ID, Kubernetes, Google), in hours; it may be exchanged again until then, or until it "
        "expires.",
    )
    sigstore_roots: Annotated[str, AfterValidator(_check_files)] = Field(
        default="",
        description="Files with trusted roots of Sigstore, separated by commas, as "
        "`gh attestation trusted-root` prints them: those of GitHub's instance for private "
        "repositories, or newer ones of the public good instance. With files nothing is fetched.",
    )
    lookup_token: SecretStr | None = Field(
        default=None,
        description="Token of github.com, without any permission, for looking up the ids of public "
        "repositories there: 5,000 in an hour, and 60 without it.",
    )
