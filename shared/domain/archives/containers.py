"""The containers of archives."""

from enum import Enum


class ArchiveContainer(Enum):
    """Where archives are stored: those that everybody may download apart from all others."""

    PUBLIC = "public"
    PRIVATE = "private"
