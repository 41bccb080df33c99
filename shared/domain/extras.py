"""What a bala may bring beside its code: tools, a compiler plugin, an SBOM, an icon."""

import re
from dataclasses import dataclass
from typing import Self

from shared.domain.bad_archive import FieldInvalid, ToolIdMissing, ToolNotPullable, shown
from shared.domain.contents import Contents
from shared.domain.filename import canonical_file_name, gives_platform
from shared.domain.manifest import PLUGIN_JSON, TOOL_JSON, Manifest, PluginJson, ToolJson
from shared.domain.names import MAX_PACKAGE_LENGTH

SBOM_FILE = "bom.cdx.json"

_PLUGIN_FOLDER = "compiler-plugin/"
_TOOL_ID = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
_TOOL_RULE = "A tool id is words of letters, digits and underscores, joined by dots."


@dataclass(frozen=True, slots=True)
class Extras:
    """The extras of one bala; what it lacks is empty."""

    tools: tuple[str, ...]
    compiler_plugin: bool
    sbom: str
    icon: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, contents: Contents, manifest: Manifest) -> Self:
        """Return what is there, or refuse a tool that nobody could pull."""
        icon = _icon(contents, manifest.icon)
        lost = f"The icon {shown(manifest.icon)} is no PNG file of the archive, so none is shown."
        return cls(
            tools=_tools(contents, manifest),
            compiler_plugin=_has_compiler_plugin(contents),
            sbom=_sbom(contents),
            icon=icon,
            warnings=(lost,) if manifest.icon and not icon else (),
        )


def _tools(contents: Contents, manifest: Manifest) -> tuple[str, ...]:
    if not contents.has(TOOL_JSON):
        return ()
    ids = contents.json(TOOL_JSON, ToolJson).ids
    if not ids:
        raise ToolIdMissing(TOOL_JSON)
    for tool in ids:
        if not _TOOL_ID.fullmatch(tool) or len(tool) > MAX_PACKAGE_LENGTH:
            raise FieldInvalid(TOOL_JSON, "tool_id", f"{shown(tool)} is not valid. {_TOOL_RULE}")
    # `bal tool pull` builds the canonical name itself, so another form would not help.
    file_name = canonical_file_name(manifest.coordinate, manifest.platform)
    if not gives_platform(file_name, manifest.coordinate, manifest.platform):
        raise ToolNotPullable(file_name, manifest.platform)
    return ids


def _has_compiler_plugin(contents: Contents) -> bool:
    """Say whether the package runs code in its users' builds, or brings what could become such."""
    if contents.has(PLUGIN_JSON):
        contents.json(PLUGIN_JSON, PluginJson)
        return True
    return any(name.lower().startswith(_PLUGIN_FOLDER) for name in contents.files)


def _sbom(contents: Contents) -> str:
    """Return the name of the bill of materials that lies highest."""
    found = (name for name in contents.files if name.rpartition("/")[2] == SBOM_FILE)
    return min(found, key=lambda name: (name.count("/"), name), default="")


def _icon(contents: Contents, icon: str) -> str:
    found = (name for name in (icon, f"docs/{icon}") if name in contents.files)
    return next((name for name in found if name.lower().endswith(".png")), "")
