"""The upstream registries, whose packages are served here, too."""

from pydantic import Field, field_validator

from shared.domain.mirror_rules import UpstreamAddress, parse_upstreams
from shared.settings.values import TopicSettings, split_list


class UpstreamSettings(TopicSettings):
    """Which registries are mirrored, and for how long their lists are used."""

    upstream: str = Field(
        default="",
        description="Registries whose public packages are mirrored, in order, separated by commas: "
        "central (Ballerina Central), or the address of another one, which is then allowed as if "
        "it were in BALLROOM_INSIDE_HOSTS; empty for none. Operators change the list and its "
        "rules while the registry runs.",
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
        parse_upstreams(split_list(text))
        return text

    @property
    def upstreams(self) -> tuple[UpstreamAddress, ...]:
        """The registries that are mirrored unless operators changed the list."""
        return parse_upstreams(split_list(self.upstream))
