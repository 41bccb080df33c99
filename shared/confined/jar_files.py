"""The JARs of an archive: their hashes, and the Maven coordinates that the archive says of them.

A coordinate is what the manifest of the package says of a file, else what `META-INF/maven` in the
JAR says. A JAR that cannot be read in full keeps its hash, and says what was not read.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, cast

from msgspec.structs import replace

from shared.confined.release_files import ArchiveFile, ReleaseRequest
from shared.domain.archives.java_libraries import (
    JAR_SUFFIX,
    JavaLibrary,
    MavenCoordinate,
    own_coordinate,
)
from shared.domain.archives.manifest import BALLERINA_TOML, PACKAGE_JSON
from shared.domain.archives.zip_records import METHOD_DEFLATED, METHOD_STORED
from shared.domain.bounded_parsing import parse_json, parse_toml
from shared.domain.errors.base import BadArchive

# The unpacked size of a JAR, which is in memory as a whole while it is read.
MAX_OPENED_BYTES = 64 * 1024 * 1024
MAX_LISTING_BYTES = 8 * 1024 * 1024  # The size of a JAR's directory: a hundred thousand files.
# The size of a `pom.properties`, which usually has a hundred bytes.
MAX_PROPERTIES_BYTES = 64 * 1024
MAX_INSIDE = 300  # Libraries that were packed into one JAR.
MAX_LIBRARIES = 20_000  # Libraries in one archive.

_POM_PROPERTIES = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_PROPERTY = re.compile(r"[ \t]*(groupId|artifactId|version)[ \t]*[=:][ \t]*([^\r\n]{0,300})")
_END_RECORD = struct.Struct("<4s4H2IH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_SIGNATURE = b"PK\x06\x07"
_ZIP64_BYTES = 20  # The size of the record before the end record; it points to a longer directory.
_LONGEST_COMMENT = 0xFFFF


class _Unread(Exception):
    """Why a part of a JAR is not read, as the end of a sentence."""


def read_libraries(archive: ArchiveFile, request: ReleaseRequest) -> Iterator[JavaLibrary]:
    """Yield the JARs of an archive, sorted by path, each before the libraries inside of it."""
    names = sorted(each for each in archive.names if each.lower().endswith(JAR_SUFFIX))
    named = _NamedLibraries.read(archive, request)
    count = 0
    for path in names:
        for each in _libraries_of(archive, path, named.coordinate(path)):
            # Every JAR stays in the list with its hash, however many libraries are in the others.
            if each.sha256 or count < MAX_LIBRARIES:
                yield each
                count += 1


def _libraries_of(
    archive: ArchiveFile, path: str, named: MavenCoordinate | None
) -> Iterator[JavaLibrary]:
    jar = JavaLibrary(path=path)
    inside = set[MavenCoordinate]()
    problem = ""
    if archive.size(path) > MAX_OPENED_BYTES:
        digest = sha256()
        for piece in archive.pieces(path):
            digest.update(piece)
        problem = f"a JAR of more than {MAX_OPENED_BYTES // 1024**2} MiB is not opened"
    else:
        content = archive.read(path)
        digest = sha256(content)
        try:
            for each in _inside(content):
                inside.add(each)
        except _Unread as why:
            problem = str(why)
    own = own_coordinate(path, named, inside)
    jar = replace(jar, sha256=digest.hexdigest(), problem=problem)
    yield _at(jar, own) if own else jar
    for each in sorted(each for each in inside if each != own):
        yield _at(JavaLibrary(path=path), each)


def _at(library: JavaLibrary, place: MavenCoordinate) -> JavaLibrary:
    return replace(library, group=place.group, artifact=place.artifact, version=place.version)


def _inside(content: bytes) -> Iterator[MavenCoordinate]:
    """Yield what the `pom.properties` of a JAR say; raise `_Unread` at the first that is too much,
    after what was read before."""
    _require_short_listing(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as jar:
            found = [each for each in jar.infolist() if _POM_PROPERTIES.fullmatch(each.filename)]
            for each in found[:MAX_INSIDE]:
                if coordinate := _properties(jar, each):
                    yield coordinate
    # What the library raises for a file that is no ZIP archive, or a broken or encrypted one.
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        RuntimeError,
        OverflowError,
        OSError,
    ):
        reason = "it is no ZIP archive, or a broken one"
        raise _Unread(reason) from None
    if len(found) > MAX_INSIDE:
        reason = f"it has more than {MAX_INSIDE} libraries inside"
        raise _Unread(reason)


def _require_short_listing(content: bytes) -> None:
    """Refuse a directory that would fill the memory when it is listed."""
    tail = content[-(_END_RECORD.size + _LONGEST_COMMENT) :]
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END_RECORD.size:
        reason = "it is no ZIP archive, or a broken one"
        raise _Unread(reason)
    is_zip64 = tail[max(0, at - _ZIP64_BYTES) : at].startswith(_ZIP64_SIGNATURE)
    if is_zip64 or _END_RECORD.unpack_from(tail, at)[5] > MAX_LISTING_BYTES:
        reason = "its list of files is too long"
        raise _Unread(reason)


def _properties(jar: zipfile.ZipFile, entry: zipfile.ZipInfo) -> MavenCoordinate | None:
    if entry.compress_type not in (METHOD_STORED, METHOD_DEFLATED):
        reason = f"its entry {entry.filename[:200]} is compressed in an unusual way"
        raise _Unread(reason)
    with jar.open(entry) as file:
        content = file.read(MAX_PROPERTIES_BYTES + 1)
    if len(content) > MAX_PROPERTIES_BYTES:
        most = f"{MAX_PROPERTIES_BYTES // 1024} KiB"
        reason = f"its entry {entry.filename[:200]} has more than {most}"
        raise _Unread(reason)
    # As `java.util.Properties` reads them; of two values, the last counts.
    lines = content.decode("latin-1").splitlines()
    values = {match[1]: match[2] for match in map(_PROPERTY.match, lines) if match}
    names = ("groupId", "artifactId", "version")
    return MavenCoordinate.of(*(values.get(each) for each in names))


# --- What the manifest says ---------------------------------------------------------------------


class _NamedLibraries:
    """The coordinates that a manifest gives to files, by path and by file name."""

    def __init__(self, libraries: Iterable[tuple[str, MavenCoordinate]]) -> None:
        self._paths = dict[str, MavenCoordinate]()
        self._files = dict[str, set[MavenCoordinate]]()
        for path, coordinate in libraries:
            self._paths[path] = coordinate
            self._files.setdefault(path.rpartition("/")[2], set()).add(coordinate)

    @classmethod
    def read(cls, archive: ArchiveFile, request: ReleaseRequest) -> "_NamedLibraries":
        """Read the manifest, which the push has checked; a mirrored one may differ."""
        try:
            return cls(_in_ballerina_toml(archive) if request.is_project else _in_json(archive))
        except BadArchive:
            return cls([])

    def coordinate(self, path: str) -> MavenCoordinate | None:
        """Return the coordinate of a file. Some clients write the path on the author's machine, so
        a file name that has one coordinate counts as well."""
        of_file = self._files.get(path.rpartition("/")[2], set())
        return self._paths.get(path) or (next(iter(of_file)) if len(of_file) == 1 else None)


def _in_json(archive: ArchiveFile) -> Iterator[tuple[str, MavenCoordinate]]:
    if PACKAGE_JSON in archive.names:
        manifest = _table(parse_json(PACKAGE_JSON, archive.read(PACKAGE_JSON)))
        yield from _listed(manifest.get("platformDependencies"))


def _in_ballerina_toml(archive: ArchiveFile) -> Iterator[tuple[str, MavenCoordinate]]:
    if BALLERINA_TOML in archive.names:
        manifest = parse_toml(BALLERINA_TOML, archive.read(BALLERINA_TOML))
        for platform in _table(manifest.get("platform")).values():
            yield from _listed(_table(platform).get("dependency"))


def _listed(libraries: object) -> Iterator[tuple[str, MavenCoordinate]]:
    for each in cast("list[object]", libraries) if isinstance(libraries, list) else ():
        library = _table(each)
        path = library.get("path")
        place = MavenCoordinate.of(*map(library.get, ("groupId", "artifactId", "version")))
        if isinstance(path, str) and place:
            yield path.replace("\\", "/").removeprefix("./"), place


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
