"""The base class of stored records."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A stored value; readers accept the fields of this schema version and the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    schema_version: int = 1
