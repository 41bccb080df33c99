"""The base class of stored records."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Record(BaseModel):
    """A stored value; readers accept the fields of this schema version and the one before."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        defer_build=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )

    schema_version: int = 1


def stored_as(name: str, default: T) -> T:
    """Return the default of a field that is stored with another name than it has in the code."""
    field: T = Field(default, validation_alias=name, serialization_alias=name)
    return field
