"""The sources of a release: which files of its archive they are, and which are too large."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from msgspec import Struct

from shared.domain.archives.manifest import BALA_TOML
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, Texts

KIB = 1024
MAX_SOURCE_BYTES = 4 * 1024 * KIB  # Of a file; the largest known one has 2.3 MB.
MAX_MODULE_BYTES = 20 * 1024 * KIB
MAX_PACKAGE_BYTES = 40 * 1024 * KIB  # About ten seconds of the processor.

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


class ReleaseFiles(Struct, frozen=True):
    """The sources of the documentation of a release. Of a source that is not read, `contents`
    has the reason instead of the bytes."""

    coordinate: Coordinate
    exported: tuple[str, ...]
    texts: Texts
    graph: Graph
    contents: Mapping[SourceName, bytes | str]


def select_sources(sizes: Mapping[SourceName, int]) -> dict[SourceName, str]:
    """Return the reason for each source that is too large to be read; sizes are in bytes."""
    refused: dict[SourceName, str] = {}
    package = 0
    for _, sources in groupby(sizes, key=lambda each: each.module):
        module = 0
        for source in sources:
            reason = _too_large(sizes[source], module, package)
            if reason:
                refused[source] = reason
            else:
                module, package = module + sizes[source], package + sizes[source]
    return refused


def _too_large(size: int, module: int, package: int) -> str:
    if size > MAX_SOURCE_BYTES:
        return f"the file has more than {MAX_SOURCE_BYTES // KIB:,} KiB"
    if module + size > MAX_MODULE_BYTES:
        return f"the sources of the module have more than {MAX_MODULE_BYTES // KIB:,} KiB"
    if package + size > MAX_PACKAGE_BYTES:
        return f"the sources of the package have more than {MAX_PACKAGE_BYTES // KIB:,} KiB"
    return ""
