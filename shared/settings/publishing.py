"""How many releases are a burst, when reports quarantine one, which scanner is asked, and which CI
jobs may publish."""

import base64
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.domain.errors.base import printable
from shared.domain.scans import ScanVerdict
from shared.settings.values import (
    Addresses,
    NamedIssuers,
    SecureAddress,
    TopicSettings,
    apart_from,
    needed_by,
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


_SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret.
_LEAST_SECRET_BYTES = 24
_MOST_SECRET_BYTES = 64


def _check_webhook_secret(secret: SecretStr | None) -> SecretStr | None:
    if secret is None:
        return None
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    is_fit = _LEAST_SECRET_BYTES <= len(key) <= _MOST_SECRET_BYTES
    if not (text.startswith(_SECRET_PREFIX) and is_fit):
        reason = (
            "it is no secret of Standard Webhooks, which is whsec_ and 24 to 64 bytes in base64, "
            "such as the output of: echo whsec_$(openssl rand -base64 32)"
        )
        raise ValueError(reason)
    return secret


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


class ScannerSettings(TopicSettings):
    """The scanner of one's own that is asked about each archive before it is published."""

    scanner_url: SecureAddress = Field(
        default="",
        description="Address of a scanner (docs/run/scanner.md) that is asked about each archive "
        "before it is published, which is then allowed as if it were in BALLROOM_INSIDE_HOSTS; "
        "empty for none.",
    )
    scanner_secret: Annotated[
        SecretStr | None, needed_by("scanner_url"), AfterValidator(_check_webhook_secret)
    ] = Field(
        default=None,
        validate_default=True,
        description="Secret that signs requests to it: whsec_ and 24 to 64 bytes in base64.",
    )
    scanner_seconds: int = Field(
        default=10,
        ge=1,
        le=60,
        description="Seconds that a push waits for its answer.",
    )
    scanner_without_answer: ScanVerdict = Field(
        default=ScanVerdict.HOLD,
        description="What becomes of a push without an answer: hold (administrators decide), "
        "accept or refuse.",
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
        "names a preset (docs/use/issuers.md), or is a name of your own.",
    )
    publish_id_token_hours: int = Field(
        default=24,
        ge=1,
        le=48,
        description="Age in hours up to which an id token may be exchanged again, before it "
        "expires, if its issuer hands out the same one for hours (Entra ID, Kubernetes, Google).",
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
