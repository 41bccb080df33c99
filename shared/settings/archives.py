"""How large an archive may be, what it must contain, and which server sends it to clients."""

from typing import Annotated, Literal

from pydantic import Field

from shared.domain.archives.delivery import Cdn
from shared.domain.archives.limits import DEFAULT_LIMITS
from shared.settings.values import AddressWithoutSlash, Size, TopicSettings, matching

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
    """How large archives may be, how many are received at once, and what they must contain."""

    max_archive_bytes: Size = Field(
        default=DEFAULT_LIMITS.archive_bytes,
        ge=1,
        description="Maximum size of an archive, in bytes or with a unit, such as 64MiB.",
    )
    max_archives_in_hand: int = Field(
        default=4,
        ge=1,
        description="Number of archives of the maximum size that one process receives at once; "
        "other uploads wait, and get a 503 after 20 seconds.",
    )
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
        description="Public address of a CDN in front of this registry, such as "
        "https://cdn.example.org, which serves public archives and removes the header "
        "Authorization; empty for none.",
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
