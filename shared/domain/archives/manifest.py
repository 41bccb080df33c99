"""The manifest of an archive: its files parsed into one shape, whatever the layout."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from msgspec import Struct
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
)

from shared.domain.coordinates import Coordinate
from shared.domain.distributions import ANY_PLATFORM, is_platform
from shared.domain.errors.base import BadArchive, InvalidName, InvalidVersion, printable
from shared.domain.packages import Graalvm
from shared.domain.text_lines import in_one_line

PACKAGE_JSON = "package.json"
BALA_JSON = "bala.json"
GRAPH_JSON = "dependency-graph.json"
BALA_TOML = "Bala.toml"
BALLERINA_TOML = "Ballerina.toml"
DEPENDENCIES_TOML = "Dependencies.toml"
TOOL_JSON = "tool/bal-tool.json"
PLUGIN_JSON = "compiler-plugin/compiler-plugin.json"

LAYOUT_2_VERSION = "2.0.0"
GO_LAYOUT = 4
_ONE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
MAX_FIELD_LENGTH = 1_000  # Characters of one text that is listed, such as a keyword or a URL.


def _slashed(path: str) -> str:
    """Return a path with slashes: archives packed on Windows have backslashes."""
    return path.replace("\\", "/").removeprefix("./")


Items = TypeVar("Items")
Many = Annotated[tuple[Items, ...], Field(strict=False), FailFast()]  # Lists arrive as lists.
Line = Annotated[str, Field(max_length=MAX_FIELD_LENGTH), AfterValidator(in_one_line)]
Path = Annotated[str, AfterValidator(_slashed)]


class _Parsed(BaseModel):
    """A part of a manifest; unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class BalaJson(_Parsed):
    """`bala.json`: which layout this is."""

    bala_version: Line = ""
    balo_version: Line = ""


class ModuleItem(_Parsed):
    """A module as `package.json` (layout 3), `Ballerina.toml` or an early `Bala.toml` lists it."""

    name: str
    export: bool = False
    description: str = ""
    readme: Path = ""


class PackageFacts(_Parsed):
    """What the author wrote about a package, by the names of a release."""

    name: str
    version: str
    organization: str
    authors: Many[Line] = ()
    keywords: Many[Line] = ()
    licenses: Many[Line] = ()
    source_repository: Line = ""
    export: Many[str] = ()
    visibility: Literal["", "private", "internal", "public"] = ""
    icon: Path = ""
    readme: Path = ""
    description: str = ""
    template: bool = False
    modules: Many[ModuleItem] = ()


class BuildFacts(_Parsed):
    """How an archive was built, by the names of a release."""

    ballerina_version: Line = ""
    implementation_vendor: Line = ""
    language_spec_version: Line = ""
    platform: str = ANY_PLATFORM


class PackageJson(PackageFacts, BuildFacts):
    """`package.json` of layouts 2 and 3."""

    graalvm_compatible: bool | None = Field(None, alias="graalvmCompatible")


class _PackageTable(PackageFacts):
    organization: str = Field(alias="org")
    licenses: Many[Line] = Field((), alias="license")
    source_repository: Line = Field("", alias="repository")


class BallerinaToml(_Parsed):
    """`Ballerina.toml` of layout 4, as its author wrote it."""

    package: _PackageTable
    modules: Many[ModuleItem] = ()


class _BalaTable(_Parsed):
    schema_version: Line = "4"


class BalaToml(_Parsed):
    """`Bala.toml` of layout 4: how the archive was built."""

    bala: _BalaTable = Field(default_factory=_BalaTable)
    build: BuildFacts = Field(default_factory=BuildFacts)
    modules: Many[ModuleItem] = ()


class NodeName(_Parsed):
    """A package in `Dependencies.toml`, without its version."""

    org: str
    name: str


class Node(NodeName):
    version: str


class GraphItem(Node):
    """A package of `dependency-graph.json` and what it depends on."""

    dependencies: Many[Node] = ()


class GraphJson(_Parsed):
    """`dependency-graph.json`: the package itself and every transitive dependency."""

    packages: Many[GraphItem] = ()


class LockedItem(Node):
    """A package of `Dependencies.toml`; versions of its dependencies are in their own items."""

    dependencies: Many[NodeName] = ()


class DependenciesToml(_Parsed):
    """`Dependencies.toml`: the locked versions of all dependencies."""

    package: Many[LockedItem] = ()


class ToolItem(_Parsed):
    """A tool of a package with several tools."""

    tool_id: str = Field("", validation_alias=AliasChoices("tool_id", "id"))


def _tool_item(value: object) -> object:
    return {"tool_id": value} if isinstance(value, str) else value


class ToolJson(_Parsed):
    """`bal-tool.json`: the commands that the package adds to `bal`."""

    tool_id: str = ""
    tools: Many[Annotated[ToolItem, BeforeValidator(_tool_item)]] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all tools, without duplicates."""
        every = (self.tool_id, *(each.tool_id for each in self.tools))
        return tuple(dict.fromkeys(each for each in every if each))


class PluginJson(_Parsed):
    """`compiler-plugin.json`: code that runs when a user builds."""

    plugin_class: str


Parsed = TypeVar("Parsed", bound=_Parsed)


def read_model(model: type[Parsed], name: str, value: object) -> Parsed:
    """Read the file `name` as a `model`, or refuse its first invalid field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
    # As people write it: `modules[3].name`.
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    field = "".join(parts).removeprefix(".") or "the whole file"
    if first["type"] == "missing":
        raise _field_missing(name, field)
    raise field_invalid(name, field, _EXPECTED.get(first["type"], f"{first['msg']}."))


_EXPECTED: Mapping[str, str] = {
    "string_type": "it is not a string.",
    "string_too_long": f"it has more than {MAX_FIELD_LENGTH:,} characters.",
    "bool_type": "it is neither true nor false.",
    "tuple_type": "it is not a list.",
    "model_type": "it is not an object.",
    "model_attributes_type": "it is not an object.",
    "literal_error": 'it is not "private", "internal" or "public".',
}


# --- one shape for all layouts -----------------------------------------------------------------


class Manifest(Struct, frozen=True, kw_only=True):
    """The manifest of an archive, in one shape for all layouts."""

    source: str  # The file that refusals name.
    layout: int
    bala_version: str
    coordinate: Coordinate
    package: PackageFacts
    build: BuildFacts
    graalvm: Graalvm = Graalvm.UNKNOWN
    exported: tuple[str, ...]
    modules: tuple[ModuleItem, ...]
    exports_default: bool = False  # Whether the default module is exported though no list says so.


_GRAALVM = {None: Graalvm.UNKNOWN, True: Graalvm.YES, False: Graalvm.NO}


def java_manifest(bala: BalaJson, package: PackageJson) -> Manifest:
    version = bala.bala_version or bala.balo_version
    if not version:
        raise _field_missing(BALA_JSON, "bala_version")
    _refuse_unknown_platform(PACKAGE_JSON, package.platform)
    return Manifest(
        source=PACKAGE_JSON,
        layout=2 if version == LAYOUT_2_VERSION else 3,
        bala_version=version,
        coordinate=coordinate_in(PACKAGE_JSON, package.organization, package.name, package.version),
        package=package,
        build=package,
        graalvm=_GRAALVM[package.graalvm_compatible],
        exported=package.export,
        modules=package.modules,
    )


def go_manifest(bala: BalaToml, ballerina: BallerinaToml) -> Manifest:
    package = ballerina.package
    version = bala.bala.schema_version
    if not _ONE_NUMBER.fullmatch(version):
        reason = 'it is not one number such as "4", so the Go toolchain does not load the package.'
        raise field_invalid(BALA_TOML, "bala.schema_version", reason)
    _refuse_unknown_platform(BALA_TOML, bala.build.platform)
    coordinate = (package.organization, package.name, package.version)
    return Manifest(
        source=BALLERINA_TOML,
        layout=GO_LAYOUT,
        bala_version=version,
        coordinate=coordinate_in(BALLERINA_TOML, *coordinate),
        package=package,
        build=bala.build,
        # The newest list replaces the others, and the default module is not in it.
        exported=() if package.modules else package.export,
        modules=package.modules or (*ballerina.modules, *bala.modules),
        exports_default=bool(package.modules),
    )


def coordinate_in(where: str, org: str, name: str, version: str) -> Coordinate:
    """Return the coordinate that was read at `where`, or refuse it."""
    try:
        return Coordinate.parse(org, name, version)
    except (InvalidName, InvalidVersion) as error:
        raise coordinate_invalid(where, error) from None


def _refuse_unknown_platform(source: str, text: str) -> None:
    if not is_platform(text):
        raise BadArchive(
            "platform-unknown",
            f"{printable(source)} says platform {printable(text)}, and clients know any, java21 "
            "and its like, and go1.26 and its like. Build for one of them and pack again.",
        )


def _field_missing(name: str, field: str) -> BadArchive:
    return BadArchive(
        "field-missing",
        f"{printable(name)} has no {printable(field)}, which clients need. Add it and pack again.",
    )


def field_invalid(name: str, field: str, reason: str) -> BadArchive:
    return BadArchive(
        "field-invalid",
        f"{printable(name)}: {printable(field)}: {reason} Correct it and pack again.",
    )


def coordinate_invalid(where: str, reason: object) -> BadArchive:
    return BadArchive(
        "coordinate-invalid", f"{printable(where)}: {reason} Correct it and pack again."
    )
