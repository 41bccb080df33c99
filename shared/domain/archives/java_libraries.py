"""The Java libraries that an archive has inside, and where they came from."""

import re

from msgspec import Struct

JAR_SUFFIX = ".jar"
# A part of a Maven coordinate. Maven itself accepts little else, and package URLs need no escapes
# for these characters.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}", re.ASCII)


class JavaLibrary(Struct, frozen=True, omit_defaults=True):
    """A JAR in an archive. Its Maven coordinate is what the archive says, and nobody checked it.

    A library that was packed into a JAR of another one has the path of that JAR and no `sha256`.
    """

    path: str  # The path in the archive.
    sha256: str = ""  # Hexadecimal; empty unless it is a file of its own.
    group: str = ""  # As the rest of the coordinate, empty if nothing in the archive says it.
    artifact: str = ""
    version: str = ""
    problem: str = ""  # Why not all of the JAR was read, as the end of a sentence.

    @property
    def name(self) -> str:
        """The name by which advisories for Maven know it, `group:artifact`; empty if unknown."""
        return f"{self.group}:{self.artifact}" if self.group and self.artifact else ""


class MavenCoordinate(Struct, frozen=True, order=True):
    """A group, an artifact and a version, each without a character that an address escapes."""

    group: str
    artifact: str
    version: str

    @classmethod
    def of(cls, group: object, artifact: object, version: object) -> "MavenCoordinate | None":
        """Return the coordinate, or None if a part of it is missing or cannot be one."""
        parts = [each.strip() for each in (group, artifact, version) if isinstance(each, str)]
        if len(parts) < len(cls.__struct_fields__) or not all(map(_PART.fullmatch, parts)):
            return None
        return cls(*parts)


def own_coordinate(
    path: str, named: MavenCoordinate | None, inside: set[MavenCoordinate]
) -> MavenCoordinate | None:
    """Return the coordinate of a JAR: the one that the package gives, else that of its own
    metadata. A JAR with other libraries inside has several; the one of its file name counts."""
    if named or len(inside) == 1:
        return named or next(iter(inside))
    file = path.rpartition("/")[2].removesuffix(JAR_SUFFIX)
    fitting = [each for each in inside if file == f"{each.artifact}-{each.version}"]
    return fitting[0] if len(fitting) == 1 else None
