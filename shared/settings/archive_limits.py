"""How large an archive may be, and how many a process receives at once."""

from pydantic import Field

from shared.settings.values import MIB, Size, TopicSettings


class ArchiveLimitSettings(TopicSettings):
    """Limits of the archives that are pushed."""

    max_archive_bytes: Size = Field(
        default=64 * MIB,
        ge=1,
        description="Maximum size of an archive, in bytes or with a unit, such as 64MiB.",
    )
    max_archives_in_hand: int = Field(
        default=4,
        ge=1,
        description="Number of archives of the maximum size that one process receives at once; "
        "other uploads wait, and get a 503 after 20 seconds.",
    )
