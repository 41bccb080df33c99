"""What may be published and by which CI jobs, and how archives are delivered."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from shared.domain.archives.delivery import Cdn
from shared.settings.values import (
    Addresses,
    AddressWithoutSlash,
    NamedIssuers,
    TopicSettings,
    apart_from,
    matching,
)

_FRONT_DOOR_ENDPOINT = (
    r"(?i)(?:/subscriptions/[\w-]+/resourceGroups/[\w.()-]+/providers/Microsoft\.Cdn"
    r"/profiles/[\w-]+/afdEndpoints/[\w-]+)?"
)
_ENDPOINT_EXPECTED = (
    "the id of an endpoint of Front Door, such as /subscriptions/0f/resourceGroups/rg-ballroom"
    "/providers/Microsoft.Cdn/profiles/afd-ballroom/afdEndpoints/ballroom"
)
FrontDoorEndpoint = Annotated[str, matching(_FRONT_DOOR_ENDPOINT, _ENDPOINT_EXPECTED)]


class ArchiveSettings(TopicSettings):
    """What archives must contain."""

    require_documentation: bool = Field(
        default=True,
        description="Refuse archives of the Java layouts that contain no documentation.",
    )
    require_dependencies: bool = Field(
        default=False, description="Refuse archives whose dependencies are not in this registry."
    )


class DeliverySettings(TopicSettings):
    """Which server sends archives to clients."""

    archive_links: Literal["store", "registry"] = Field(
        default="store",
        description="In the cloud, the server of archives that no CDN sends, for clients without "
        "Authorization: store (Blob Storage, with signed links), or registry, if clients cannot "
        "reach the store.",
    )
    archive_cdn_url: AddressWithoutSlash = Field(
        default="",
        description="Public address of a CDN in front of this registry that serves public "
        "archives, as https://cdn.example.org, and removes the header Authorization; empty for "
        "none.",
    )
    archive_cdn_origin: Literal["registry", "blobs"] = Field(
        default="registry",
        description="Where that CDN reads public archives: from the registry, or, with an identity "
        "of its own, from Blob Storage (blobs), as Front Door does in the templates.",
    )
    archive_cdn_resource: FrontDoorEndpoint = Field(
        default="",
        description="Id of the Front Door endpoint that is purged when an archive is withdrawn; if "
        "empty, copies expire within five minutes.",
    )

    @property
    def archive_cdn(self) -> Cdn:
        """Whether there is a CDN, and what it does with the header `Authorization`."""
        if not self.archive_cdn_url:
            return Cdn.NONE
        return Cdn.READING_BLOBS if self.archive_cdn_origin == "blobs" else Cdn.STRIPPING


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
    lookup_token: SecretStr | None = Field(
        default=None,
        description="Token of github.com, without any permission, for looking up the ids of public "
        "repositories there: 5,000 in an hour, and 60 without it.",
    )
