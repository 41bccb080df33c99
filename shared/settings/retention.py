"""Retention: how long orphaned archives and personal data of events are kept."""

from pydantic import Field

from shared.settings.values import TopicSettings


class RetentionSettings(TopicSettings):
    """How long unused archives and personal data of events are kept."""

    sweep_grace_hours: int = Field(
        default=24,
        ge=1,
        description="Hours until an archive without a release is deleted.",
    )
    audit_days: int = Field(
        default=365,
        ge=1,
        description="Days after which the address and the credential are deleted from events; what "
        "happened and who did it is kept.",
    )
