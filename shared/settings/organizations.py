"""Who may create organizations, which names are reserved, and which ones search prefers."""

from typing import Literal

from pydantic import Field

from shared.settings.values import OrgNames, TopicSettings, split_list


class OrganizationSettings(TopicSettings):
    """Who may create organizations, which names are reserved, and which ones search prefers."""

    founding: Literal["anyone", "administrators"] = Field(
        default="anyone",
        description=("Who may create organizations: anyone who has an account, or administrators."),
    )
    reserved_names: OrgNames = Field(
        default="",
        description="Names of organizations that people may not create, with * and ?, separated by "
        "commas; similar names are reserved as well.",
    )

    typosquats: Literal["hold", "off"] = Field(
        default="hold",
        description="Whether packages whose names could be confused with popular ones wait for an "
        "administrator (docs/use/organizations.md): hold, or off.",
    )

    two_administrators: bool = Field(
        default=False,
        description="Whether removal for good, erasure and decisions about names wait up to a day "
        "for a second administrator (docs/run/administration.md#two-administrators).",
    )

    standard_organizations: OrgNames = Field(
        default="ballerina,ballerinax",
        description="Organizations whose packages search lists a little higher, separated by "
        "commas, such as those of the standard library; empty for none. A change takes effect "
        "with the task `rebuild-derived-data`.",
    )

    @property
    def standard_names(self) -> tuple[str, ...]:
        """The names of the standard organizations, in lower case."""
        return tuple(split_list(self.standard_organizations.lower()))

    @property
    def reserved_patterns(self) -> tuple[str, ...]:
        """The names that are reserved besides those that the registry always reserves."""
        return tuple(split_list(self.reserved_names))
