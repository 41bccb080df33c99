"""What is found for a release: advisories about itself, what it depends on, and the Java libraries
inside."""

from msgspec import Struct

from shared.domain.advisories.advisories import Advisory
from shared.domain.archives.java_libraries import JavaLibrary
from shared.domain.coordinates import Coordinate


class DependencyFindings(Struct, frozen=True):
    """The advisories that match a release in the dependency graph."""

    dependency: Coordinate
    advisories: tuple[Advisory, ...]


class LibraryFindings(Struct, frozen=True):
    """The advisories that match a Java library in the archive."""

    library: JavaLibrary
    advisories: tuple[Advisory, ...]


class ReleaseFindings(Struct, frozen=True):
    """The advisories that match a release; of dependencies and libraries those alone that have
    any. `assessed` are those of libraries of which an owner says that they do not affect it."""

    own: tuple[Advisory, ...] = ()
    dependencies: tuple[DependencyFindings, ...] = ()
    java_libraries: tuple[LibraryFindings, ...] = ()
    assessed: tuple[LibraryFindings, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.own or self.dependencies or self.java_libraries)
