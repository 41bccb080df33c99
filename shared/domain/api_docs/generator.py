"""From the declarations of a package's modules to the documentation of its release."""

from dataclasses import dataclass

from shared.ballerina.syntax import SourceFile
from shared.domain.names import Coordinate

# Documentation by a lower version is made again.
GENERATOR_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSource:
    """A module with the declarations of its files, without those of its tests.

    Modules that are not exported are not documented, but their types are resolved.
    """

    name: str  # The full name: `redis`, `redis.cache`.
    files: tuple[SourceFile, ...]
    readme: str = ""
    summary: str = ""
    is_exported: bool = True


@dataclass(frozen=True, slots=True)
class PackageSources:
    """The sources of a release: all modules, the default module first."""

    coordinate: Coordinate
    modules: tuple[ModuleSource, ...]

    def is_default(self, module: ModuleSource) -> bool:
        return module.name == self.coordinate.package.name
