"""How long records of people and unused archives are kept, and which pulls are recorded."""

from pydantic import Field

from shared.domain.pull_records import RecordedPulls
from shared.settings.values import TopicSettings


class RetentionSettings(TopicSettings):
    """What is recorded of people, and how long it and unused archives are kept."""

    sweep_grace_hours: int = Field(
        default=24, ge=1, description="Hours until an archive without a release is deleted."
    )
    audit_days: int = Field(
        default=365,
        ge=1,
        description="Days after which address, credential, browser and names are deleted from "
        "events; what happened and the id of who did it is kept.",
    )
    recorded_pulls: RecordedPulls = Field(
        default=RecordedPulls.NOT_PUBLIC,
        description="Whose pulls are recorded for 90 days, with account, token and network: those "
        "of packages that are not public (not-public), or of all (all).",
    )
