"""Names of organizations, packages, modules and tools, by the rules of the compiler."""

import re
from typing import NewType

from shared.domain.errors.base import InvalidName

OrgName = NewType("OrgName", str)
PackageName = NewType("PackageName", str)
ModuleName = NewType("ModuleName", str)
ToolId = NewType("ToolId", str)

# Characters of organization and name together, because ids and paths in the stores contain both.
MAX_PACKAGE_LENGTH = 200

_IDENTIFIER = r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*"
_ORG = re.compile(r"[A-Za-z0-9_]*[A-Za-z0-9][A-Za-z0-9_]*")  # What the compiler accepts.
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
    """Raise `InvalidName` for a name that only administrators may give to a new organization.
    Organizations with such names may exist already."""
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
    if not is_tool_id(text):
        raise InvalidName("tool", text, _TOOL_RULE)
    return ToolId(text)


def is_tool_id(text: str) -> bool:
    return _TOOL.fullmatch(text) is not None and len(text) <= MAX_PACKAGE_LENGTH


def _parse_dotted(what: str, text: str) -> str:
    fits = _DOTTED.fullmatch(text) or _LANG.fullmatch(text)
    if not fits or len(text) > MAX_PACKAGE_LENGTH:
        raise InvalidName(what, text, _DOTTED_RULE)
    return text


def is_one_edit_apart(one: str, other: str) -> bool:
    """Check whether the names differ in one letter that is added, removed or replaced, or in two
    neighbouring letters that are swapped. Upper and lower case are the same."""
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


_ORG_OF_ROOT = "root"  # `bal new` names the organization after the user of the system.


def way_to_rename(org: str) -> str:
    """Return how to rename the organization that `bal new` makes for the user root; empty for
    every other organization."""
    if org.lower() != _ORG_OF_ROOT:
        return ""
    return (
        "bal new writes root when the user of the system is root. Set "
        'org = "your-organization" in Ballerina.toml, with the name of your organization here, '
        "and pack again."
    )
