"""The Java libraries that an archive has inside, and where they came from."""

from msgspec import Struct

JAR_SUFFIX = ".jar"


class JavaLibrary(Struct, frozen=True):
    """A JAR in an archive. Its Maven coordinate is what the archive says, and nobody checked it.

    A library that was packed into a JAR of another one has the path of that JAR and no `sha256`.
    """

    path: str  # In the archive.
    sha256: str = ""  # Hexadecimal; empty unless it is a file of its own.
    group: str = ""  # As the rest of the coordinate, empty if nothing in the archive says it.
    artifact: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        """The name by which advisories for Maven know it, `group:artifact`; empty if unknown."""
        return f"{self.group}:{self.artifact}" if self.group and self.artifact else ""
