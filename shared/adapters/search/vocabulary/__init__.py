"""What people type that is no word of a package, and the words of packages that mean it.

Products, libraries of other languages, error texts, standards, tasks and needs, each with its
source.
"""

from typing import NamedTuple


class Group(NamedTuple):
    """Names of one kind, all of which mean the same words of packages."""

    meant: str  # Words, divided by blanks.
    typed: str  # Names of one or more words, divided by commas.
    source: str
