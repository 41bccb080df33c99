"""The files of archives that owners list, because what looks like a secret in them is none."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, printable

MAX_LISTED = 100  # Files that an organization lists.
MAX_LISTED_LENGTH = 300  # Characters of one.
_LISTED = re.compile(r"(?:(?P<org>[\w]+)/)?(?P<name>[\w.*?]+):(?P<path>.+)|(?P<any>[^:]+)")


class AllowedFile(Struct, frozen=True):
    """Files that may look as if they had secrets: a glob of paths in the archives of packages."""

    name: str  # The name of the package, as a glob.
    path: str

    @classmethod
    def parse(cls, text: str) -> "AllowedFile":
        """Read `NAME:PATH`, `ORG/NAME:PATH`, or a path in the archive of any package; raise
        `InvalidRequest`."""
        found = _LISTED.fullmatch(text) if len(text) <= MAX_LISTED_LENGTH else None
        if found is None:
            message = (
                f"{printable(text)} names no files. Write the package and a path in its archive, "
                "such as greet:resources/test-key.pem, or a path with * for all packages."
            )
            raise InvalidRequest(message)
        return cls(found["name"] or "*", found["path"] or found["any"])

    def has(self, package: Package, path: str) -> bool:
        return fnmatchcase(package.name, self.name) and fnmatchcase(path, self.path)


def parse_allowed_files(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the files that an owner lists, or raise `InvalidRequest`."""
    lines = list(dict.fromkeys(each.strip() for each in texts if each.strip()))
    if len(lines) > MAX_LISTED:
        message = f"{MAX_LISTED} files can be listed. Combine some with *, such as greet:tests/*."
        raise InvalidRequest(message)
    for each in lines:
        AllowedFile.parse(each)
    return tuple(lines)
