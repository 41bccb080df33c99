"""Names of organizations, packages, modules and tools by the compiler's rules; coordinates;
package URLs; and names in sources, where a reserved word has a quote, as `data.'table`.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import NewType, Self
from urllib.parse import quote

from shared.domain.errors.base import InvalidName
from shared.domain.records import Place
from shared.domain.versions import Version

OrgName = NewType("OrgName", str)
PackageName = NewType("PackageName", str)
ModuleName = NewType("ModuleName", str)
ToolId = NewType("ToolId", str)

MAX_PACKAGE_LENGTH = 200  # Organization and name together: ids and paths of the stores hold them.
RESERVED_PREFIX = "ballerina"  # For the operator: the standard library has such names.

_IDENTIFIER = r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*"
_ORG = re.compile(r"[A-Za-z0-9_]*[A-Za-z0-9][A-Za-z0-9_]*")  # What the compiler takes.
_NEW_ORG = re.compile(_IDENTIFIER)
# The compiler lets digits begin a part that follows a dot, as in `testPolicy3.1`.
_DOTTED_IDENTIFIER = rf"{_IDENTIFIER}(?:\.[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*)*"
_DOTTED = re.compile(_DOTTED_IDENTIFIER)
_LANG = re.compile(r"lang(?:\.[A-Za-z_][A-Za-z0-9_]*)+")  # `lang.__internal` is the one exception.
_TOOL = re.compile(r"\w+(?:\.\w+)*", re.ASCII)

_ORG_RULE = "Names may contain letters, digits and underscores, and not underscores alone."
_NEW_ORG_RULE = (
    "Names of new organizations may contain letters, digits and single underscores. They start "
    "with a letter and do not end with an underscore."
)
_DOTTED_RULE = (
    "Names may contain letters, digits, single underscores and dots. They start with a letter, "
    "and no part of them starts or ends with an underscore."
)
_TOOL_RULE = "Ids may contain letters, digits, underscores and single dots."


def parse_org(text: str) -> OrgName:
    """Return `text` as an organization name, or raise `InvalidName`."""
    if not _ORG.fullmatch(text) or len(text) > MAX_PACKAGE_LENGTH:
        raise InvalidName("organization", text, _ORG_RULE)
    return OrgName(text)


def require_plain_org(org: OrgName) -> None:
    """Raise `InvalidName` for the name of an organization that may exist, and that nobody but an
    administrator gives to a new one."""
    if not _NEW_ORG.fullmatch(org):
        raise InvalidName("organization", org, _NEW_ORG_RULE)


def parse_package_name(text: str) -> PackageName:
    """Return `text` as a package name, or raise `InvalidName`."""
    return PackageName(_parse_dotted("package", text))


def parse_module_name(text: str) -> ModuleName:
    """Return `text` as a module's full name, or raise `InvalidName`."""
    return ModuleName(_parse_dotted("module", text))


def parse_tool_id(text: str) -> ToolId:
    """Return `text` as the id of a tool, or raise `InvalidName`."""
    if not _TOOL.fullmatch(text) or len(text) > MAX_PACKAGE_LENGTH:
        raise InvalidName("tool", text, _TOOL_RULE)
    return ToolId(text)


def _parse_dotted(what: str, text: str) -> str:
    fits = _DOTTED.fullmatch(text) or _LANG.fullmatch(text)
    if not fits or len(text) > MAX_PACKAGE_LENGTH:
        raise InvalidName(what, text, _DOTTED_RULE)
    return text


def is_reserved(org: OrgName) -> bool:
    """Check whether only the operator may own `org`."""
    return org.lower().startswith(RESERVED_PREFIX)


def is_one_edit_apart(one: str, other: str) -> bool:
    """Check whether one letter that is added, left out or another, or two that changed places, make
    one name of the other, without case."""
    one, other = sorted((one.lower(), other.lower()), key=len)
    if one == other or len(other) - len(one) > 1:
        return False
    at = next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), len(one)
    )
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or swapped == other[at:]


def possible_packages(module: ModuleName) -> tuple[PackageName, ...]:
    """Return the packages that may hold `module`, longest name first: `a.b.c`, `a.b`, `a`."""
    parts = module.split(".")
    return tuple(PackageName(".".join(parts[:end])) for end in range(len(parts), 0, -1))


@dataclass(frozen=True, slots=True)
class Package:
    """An organization and a name, spelled as given."""

    org: OrgName
    name: PackageName

    @staticmethod
    def parse(org: str, name: str) -> "Package":
        """Return the package, or raise `InvalidName`."""
        if len(org) + len(name) > MAX_PACKAGE_LENGTH:
            rule = (
                f"An organization and a name have at most {MAX_PACKAGE_LENGTH} characters together."
            )
            raise InvalidName("package", f"{org}/{name}", rule)
        return Package(parse_org(org), parse_package_name(name))

    @property
    def key(self) -> str:
        """The key by which packages are compared, without case."""
        return f"{self.org}/{self.name}".lower()

    def at(self, version: Version) -> "Coordinate":
        return Coordinate(self, version)

    def __str__(self) -> str:
        return f"{self.org}/{self.name}"


# Stands in for a package that is not there, in calls of the stores that then cost as much as if it
# were. No name is spelled so.
NO_PACKAGE = Package(OrgName("_"), PackageName("_"))


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A package and a version; identifies a release."""

    package: Package
    version: Version

    @classmethod
    def parse(cls, org: str, name: str, version: str) -> Self:
        """Return the coordinate, or raise `InvalidName` or `InvalidVersion`."""
        return cls(Package.parse(org, name), Version.parse(version))

    @property
    def key(self) -> str:
        return f"{self.package.key}:{self.version}"

    def __str__(self) -> str:
        return f"{self.package}:{self.version}"


def package_owner(package: Package) -> str:
    """Return the owner of the directory's entities of a package; places hold no slash."""
    return package.key.replace("/", ":")


def release_place(coordinate: Coordinate) -> Place:
    """Return the place of an entity of a release."""
    return Place(package_owner(coordinate.package), str(coordinate.version))


MAX_MENTIONS = 5  # Packages that one text names; each is looked up.

_MENTION = re.compile(rf"(?<![\w./-])({_IDENTIFIER})/({_DOTTED_IDENTIFIER})(?![\w/-])")


def mentioned_packages(text: str) -> tuple[Package, ...]:
    """Return the packages that a text may name, such as `acme/greet` in "Use acme/greet."."""
    found = {match[0].lower(): match for match in _MENTION.finditer(text)}
    short = (match for match in found.values() if len(match[0]) <= MAX_PACKAGE_LENGTH)
    return tuple(Package.parse(match[1], match[2]) for match in islice(short, MAX_MENTIONS))


_PURL_TYPE = "ballerina"  # What `bal` writes into the bills of materials that it makes.


def purl(coordinate: Coordinate, base_url: str) -> str:
    """Return the package URL of a release in the registry at `base_url`.

    Without the address, tools look for the package in Ballerina Central.
    """
    package = coordinate.package
    where = quote(base_url, safe=":/")
    return (
        f"pkg:{_PURL_TYPE}/{package.org}/{package.name}@{coordinate.version}?repository_url={where}"
    )


# --- Names in sources --------------------------------------------------------------------------

# Every word that some version of the language reserves, because each name may have a quote.
_WORDS = """abort abstract annotation any anydata as ascending base16 base64 boolean break
    by byte check checkpanic class client collect commit configurable conflict const
    continue decimal default descending distinct do else enum equals error external fail
    false field final float flush foreach fork from function future group handle if import
    in int is isolated join json key let limit listener lock map match natural never new
    null object on order outer panic parameter private public re readonly record remote
    resource retry return returns rollback select service source start stream string table
    transaction transactional trap true type typedesc typeof var variable version wait where
    while with worker xml xmlns"""
RESERVED_WORDS = frozenset(_WORDS.split())


def quoted(name: str) -> str:
    return f"'{name}" if name in RESERVED_WORDS else name


def import_line(org: str, module: str) -> str:
    return f"import {quoted(org)}/{'.'.join(map(quoted, module.split('.')))};"


def module_prefix(module: str) -> str:
    """Return the prefix of the names of a module, whose import gives no other."""
    return quoted(module.rpartition(".")[2])
