"""The sources of a release: which files of its archive they are."""

import re
from collections.abc import Iterable

from msgspec import Struct

from shared.domain.archives.manifest import BALA_TOML

_SOURCE = re.compile(r"(?:modules/(?P<module>[^/]+)/)?(?P<path>(?:generated/)?[^/]+\.bal)")


class SourceName(Struct, frozen=True):
    """A source file: its module, its path below the folder of the module, its name in the
    archive."""

    module: str
    path: str
    entry: str


def source_names(entries: Iterable[str], package: str) -> list[SourceName]:
    """Return the sources of a package among the files of its archive, by module and path.

    Sources of tests are in other folders.
    """
    names = frozenset(entries)
    is_project = BALA_TOML in names  # The author's project, with the default module at the root.
    sources = list[SourceName]()
    for entry in names:
        if found := _SOURCE.fullmatch(entry):
            folder, path = found["module"], found["path"]
            module = f"{package}.{folder}" if folder and is_project else folder
            if module or is_project:
                sources.append(SourceName(module or package, path, entry))
    return sorted(sources, key=lambda each: (each.module, each.path))
