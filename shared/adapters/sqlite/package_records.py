"""How records of packages are read from the texts of SQLite."""

from functools import cache

from shared.domain.packages import Head, Release
from shared.runtime.decoded_records import share_field_names


def read_head_or_none(text: str | None) -> Head | None:
    """Return the decoded head, or None for a package that does not exist, which takes as long: the
    stand-in is decoded instead."""
    head = read_head(_stand_in() if text is None else text)
    return None if text is None else head


@cache
def _stand_in() -> str:
    return Head.stand_in().model_dump_json()


def read_head(text: str) -> Head:
    return share_field_names(Head.model_validate_json(text))


def read_release(text: str) -> Release:
    return share_field_names(Release.model_validate_json(text))
