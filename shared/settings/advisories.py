"""Where dumps of advisories of others come from, and what an advisory about malware does."""

from pydantic import Field, field_validator

from shared.domain.advisories.sources import AdvisorySource, parse_sources
from shared.settings.values import TopicSettings, split_list


class AdvisorySettings(TopicSettings):
    """Which advisories of others are matched, and what an advisory about malware does."""

    advisories_from: str = Field(
        default="",
        description="Dumps of OSV that are read every hour, as name=address, separated by commas, "
        "such as maven=https://mirror.example.org/Maven/all.zip; the address is https, and then "
        "allowed as if it were in BALLROOM_INSIDE_HOSTS, or the absolute path of a file. Empty: "
        "nothing is fetched.",
    )

    malware_quarantine: bool = Field(
        default=False,
        description="Whether releases that a published or imported advisory calls malicious are "
        "quarantined at once. Administrators get mail in any case.",
    )

    @field_validator("advisories_from")
    @classmethod
    def _check_sources(cls, text: str) -> str:
        parse_sources(split_list(text))
        return text

    @property
    def advisory_sources(self) -> tuple[AdvisorySource, ...]:
        return parse_sources(split_list(self.advisories_from))
