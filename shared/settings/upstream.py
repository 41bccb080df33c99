"""The upstream registry, whose packages are served here, too."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from shared.domain.addresses import is_loopback
from shared.domain.mirroring import CENTRAL_NAME, CENTRAL_URL
from shared.settings.values import TopicSettings, check_address

_REGISTRY_PATH = "/2.0/registry"


class UpstreamSettings(TopicSettings):
    """Which registry is mirrored, and for how long its lists are used."""

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
