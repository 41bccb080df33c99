"""Names of organizations, packages, modules and tools by the compiler's rules; coordinates;
package URLs; names in sources, where a reserved word has a quote, as `data.'table`; and versions:
SemVer 2 without build metadata, ranges, language versions, distributions, and what a client can
use.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NewType, Self
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.errors.base import Invalid, InvalidName, InvalidVersion, quoted
from shared.domain.records import Place

MAX_VERSION_LENGTH = 128  # Characters: ids and paths of the stores hold versions.
MAX_REMEMBERED_LENGTH = 24  # Longer ones, with many parts, are what an attacker sends.
MAX_VERSION_NUMBER = 2**31 - 1  # The largest number that the Java clients can read.

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?", re.ASCII)
_NUMBER = r"(0|[1-9]\d{0,9})"
_RANGE = re.compile(rf"\*|(?:{_NUMBER}\.)(?:{_NUMBER}\.)?\*", re.ASCII)

Identifier = tuple[int, int, str]  # Numbers order below words: (0, number, "") or (1, 0, word).
Precedence = tuple[int, int, int, int, tuple[Identifier, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """A release's version; versions order by SemVer 2 precedence."""

    text: str
    precedence: Precedence = field(compare=False, repr=False)

    @staticmethod
    def parse(text: str) -> "Version":
        """Return `text` as a version, or raise `InvalidVersion`."""
        return _remembered(text) if len(text) <= MAX_REMEMBERED_LENGTH else _parse(text)

    @property
    def key(self) -> str:
        """The version without case, by which a release claims it."""
        return self.text.lower()

    @property
    def major(self) -> int:
        return self.precedence[0]

    @property
    def minor(self) -> int:
        return self.precedence[1]

    @property
    def is_stable(self) -> bool:
        """Whether this is no pre-release."""
        return self.precedence[3] == 1

    def __lt__(self, other: "Version") -> bool:
        return self.precedence < other.precedence

    def __le__(self, other: "Version") -> bool:
        return self.precedence <= other.precedence

    def __str__(self) -> str:
        return self.text


def _parse(text: str) -> Version:
    if len(text) > MAX_VERSION_LENGTH:
        raise InvalidVersion(text, f"it is longer than {MAX_VERSION_LENGTH} characters")
    if "+" in text:
        raise InvalidVersion(text, "build metadata is not accepted here")
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InvalidVersion(text, "it is not of the form 1.2.3 or 1.2.3-rc.1")
    major, minor, patch = (_number(text, part) for part in match.group(1, 2, 3))
    if match[4] is None:
        return Version(text, (major, minor, patch, 1, ()))
    identifiers = tuple(_identifier(text, part) for part in match[4].split("."))
    return Version(text, (major, minor, patch, 0, identifiers))


# The same few thousand versions are read from every index page; a version takes up to 1 KiB.
_remembered = lru_cache(maxsize=16_384)(_parse)


def _number(text: str, digits: str) -> int:
    if len(digits) > 1 and digits[0] == "0":
        raise InvalidVersion(text, "a number in it has a leading zero")
    if len(digits) > len(str(MAX_VERSION_NUMBER)) or int(digits) > MAX_VERSION_NUMBER:
        raise InvalidVersion(text, f"a number in it is above {MAX_VERSION_NUMBER}")
    return int(digits)


def _identifier(text: str, part: str) -> Identifier:
    return (0, _number(text, part), "") if part.isdigit() else (1, 0, part)


class Range(Struct, frozen=True):
    """A wildcard: every version (`*`), a major (`1.*`) or a major and minor (`1.2.*`)."""

    major: int | None = None
    minor: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Return `text` as a range, or raise `invalid-range`."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise Invalid(
                "invalid-range", f"{quoted(text)} is not a version range. Ask for *, 1.* or 1.2.*."
            )
        major, minor = (None if part is None else int(part) for part in match.groups())
        return cls(major, minor)

    def contains(self, version: Version) -> bool:
        if self.major is None:
            return True
        if self.minor is None:
            return version.major == self.major
        return (version.major, version.minor) == (self.major, self.minor)

    def is_below(self, version: Version) -> bool:
        if self.minor is None:
            return self.major is not None and version.major > self.major
        return (version.major, version.minor) > (self.major, self.minor)

    def __str__(self) -> str:
        parts = [str(part) for part in (self.major, self.minor) if part is not None]
        return ".".join([*parts, "*"])


def parse_version_or_range(text: str) -> Version | Range:
    """Return a range when `text` ends in `*`, else a version."""
    return Range.parse(text) if text.endswith("*") else Version.parse(text)


_LANGUAGE = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-.*)?", re.ASCII)
_PLATFORM = re.compile(r"any|java[1-9]\d{0,2}|go[1-9]\d{0,2}\.(?:0|[1-9]\d{0,2})", re.ASCII)

ANY_PLATFORM = "any"


def is_platform(text: str) -> bool:
    """Check for a platform that archives may name: `any`, `java21`, `go1.26`; no leading zeros,
    because clients compare the text."""
    return _PLATFORM.fullmatch(text) is not None


class LanguageVersion(Struct, frozen=True):
    """A Ballerina version, such as 2201.12.0; only major and update decide compatibility."""

    major: int
    update: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the version, or None when `text` is not `M.U.P`, with or without a suffix."""
        match = _LANGUAGE.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None


class ClientProfile(Struct, frozen=True):
    """The platforms and language version of a client; None means no restriction."""

    platforms: frozenset[str] | None = None
    language: LanguageVersion | None = None

    @staticmethod
    def of(platforms: str, language: str) -> "ClientProfile":
        """Read a client's `Ballerina-Platform` (a comma list) and its Ballerina version."""
        named = frozenset(part.strip() for part in platforms.split(",") if part.strip())
        spoken = LanguageVersion.parse(language)
        # The Go toolchain, which calls itself 0.6.0, takes what was built with any version.
        is_known = spoken is not None and spoken.major >= _FIRST_MAJOR
        return ClientProfile(named or None, spoken if is_known else None)

    def on_any_platform(self) -> Self:
        """Return the client as one that can use releases for every platform."""
        return replace(self, platforms=None)

    def can_use(self, platform: str, built_with: str) -> bool:
        """Check whether the client can use a release for `platform`, built with `built_with`."""
        return self._runs(platform) and self._understands(built_with)

    def _runs(self, platform: str) -> bool:
        if self.platforms is None or platform == ANY_PLATFORM or platform in self.platforms:
            return True
        # The Go toolchain takes what was built for any of its versions.
        return _is_go(platform) and any(map(_is_go, self.platforms))

    def _understands(self, built_with: str) -> bool:
        if self.language is None or not built_with or built_with.startswith("slbeta"):
            return True
        theirs = LanguageVersion.parse(built_with)
        if theirs is None:
            return False
        return theirs.major == self.language.major and theirs.update <= self.language.update


def _is_go(platform: str) -> bool:
    return platform.startswith("go") and is_platform(platform)


ANY_CLIENT = ClientProfile()

_SEGMENT = re.compile(r"v(\d{1,9})-(\d{1,9})-\d{1,9}", re.ASCII)

# The Java platforms, each with the first update of 2201 that runs it.
_PLATFORMS = {"java11": 0, "java17": 8, "java21": 11, "java25": 14}
_FIRST_MAJOR = 2201

# Of the newest distribution. Raise it when one with another platform or major version comes out:
# until then a release that was built with a later one is compared with that.
NEWEST_LANGUAGE = LanguageVersion(2201, 13)


class Distribution(Struct, frozen=True):
    """A distribution, spelled as in URL paths."""

    text: str
    language: LanguageVersion

    @classmethod
    def parse(cls, segment: str) -> Self | None:
        """Return the distribution at the start of a path, or None; organizations have no `-`."""
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            return None
        return cls(segment, LanguageVersion(int(match[1]), int(match[2])))

    @classmethod
    def of(cls, language: LanguageVersion) -> Self:
        """Return the first distribution with a language version."""
        return cls(f"v{language.major}-{language.update}-0", language)

    @property
    def update(self) -> str:
        """What people call it, such as 2201.13."""
        return f"{self.language.major}.{self.language.update}"

    @property
    def client(self) -> ClientProfile:
        """The platforms and language version that the distribution can use."""
        runs = [name for name, update in _PLATFORMS.items() if self._has_reached(update)]
        return ClientProfile(frozenset({ANY_PLATFORM, *runs}), self.language)

    def _has_reached(self, update: int) -> bool:
        return (self.language.major, self.language.update) >= (_FIRST_MAJOR, update)


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

    @staticmethod
    def from_text(text: str) -> "Package":
        """Return the package that is written as `org/name`, or raise `InvalidName`."""
        org, _, name = text.strip().partition("/")
        if not name:
            raise InvalidName("package", text, "Write it as org/name, such as acme/greet.")
        return Package.parse(org, name)

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


class Coordinate(Struct, frozen=True):
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


def quoted_word(name: str) -> str:
    return f"'{name}" if name in RESERVED_WORDS else name


def import_line(org: str, module: str) -> str:
    return f"import {quoted_word(org)}/{'.'.join(map(quoted_word, module.split('.')))};"


def module_prefix(module: str) -> str:
    """Return the prefix of the names of a module, whose import gives no other."""
    return quoted_word(module.rpartition(".")[2])
