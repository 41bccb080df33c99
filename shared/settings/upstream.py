"""The upstream registry and bundles, whose packages are served here, too."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from shared.domain.mirroring import CENTRAL_NAME, CENTRAL_URL
from shared.settings.values import TopicSettings, check_address

_REGISTRY_PATH = "/2.0/registry"


class UpstreamSettings(TopicSettings):
    """Which registry is mirrored, how much of it is kept, and which bundle is served."""

    upstream: str = Field(
        default="",
        description="Registry whose public packages are mirrored: central (Ballerina Central), or "
        "the address of another one, which is then allowed as if it were in "
        "BALLROOM_INSIDE_HOSTS; empty for none.",
    )
    upstream_fresh_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="Seconds for which answers of the upstream registry, such as lists of "
        "versions, are used before it is asked again.",
    )

    upstream_quota_bytes: int = Field(
        default=0,
        ge=0,
        description="Bytes that archives of the upstream registry may take; those that were pulled "
        "least recently are dropped first, and fetched again by a pull. 0 for no limit.",
    )
    bundle: Path | None = Field(
        default=None,
        description="File of a bundle that a registry on one machine imports when it starts; the "
        "registry is read-only then.",
    )
    bundle_trust: Path | None = Field(
        default=None,
        description="File of the public keys whose bundles are imported; required for "
        "BALLROOM_BUNDLE.",
        validate_default=True,
    )

    @field_validator("bundle_trust")
    @classmethod
    def _check_trust(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is None and info.data.get("bundle") is not None:
            reason = "it is the file of trusted keys, which BALLROOM_BUNDLE needs"
            raise ValueError(reason)
        return file

    @field_validator("upstream")
    @classmethod
    def _check_upstream(cls, text: str) -> str:
        if text in ("", CENTRAL_NAME):
            return text
        check_address(text)
        address = urlsplit(text)
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            reason = "it is plain http, which is allowed on this machine only. Use https"
            raise ValueError(reason)
        return text.rstrip("/")

    @property
    def upstream_name(self) -> str:
        """The name of the upstream in records and sentences."""
        return CENTRAL_NAME if self.upstream == CENTRAL_NAME else urlsplit(self.upstream).netloc

    @property
    def upstream_url(self) -> str:
        """The base of the upstream's Central protocol; empty without an upstream."""
        if self.upstream in ("", CENTRAL_NAME):
            return self.upstream and CENTRAL_URL
        return self.upstream.removesuffix(_REGISTRY_PATH) + _REGISTRY_PATH


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine, by its name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
