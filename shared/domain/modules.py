"""Which modules a bala holds, and which of them it exports."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from shared.domain.bad_archive import CoordinateInvalid, ForeignModule, SourcesMissing
from shared.domain.contents import Contents
from shared.domain.errors import InvalidName
from shared.domain.layout import Layout
from shared.domain.manifest import Manifest
from shared.domain.names import parse_module_name


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules of a package; where its own name is among them, it is first.

    `exported` are those that others can import. Like Central, it leaves out a default module that
    has no source, unless there is no other: a package of a tool alone is known by its own name.
    """

    exported: tuple[str, ...]
    internal: tuple[str, ...]  # Those with sources that nobody else can import.
    sourceless: tuple[str, ...]  # Exported by the manifest, but without a source file.

    @classmethod
    def of(cls, contents: Contents, layout: Layout) -> Self:
        """Return what the manifest declares and the folders hold."""
        manifest = layout.manifest
        own = manifest.coordinate.package.name
        declared = {*manifest.exported, *(item.name for item in manifest.modules)}
        for name in sorted(declared):
            _refuse_foreign(manifest, name)
        named = {*manifest.exported, *(item.name for item in manifest.modules if item.export)}
        exported, with_sources = named or {own}, _with_sources(contents, layout, own)
        return cls(
            exported=_own_first(own, exported & with_sources or {own}),
            internal=_own_first(own, with_sources - exported),
            sourceless=_own_first(own, named - with_sources),
        )


def require_sources(modules: Modules, layout: Layout, tools: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse exported modules without sources; return a warning for a tool's default module."""
    own = layout.manifest.coordinate.package.name
    for module in modules.sourceless:
        if module != own or not tools:
            raise SourcesMissing(module, layout.folder(module) or "the root")
    return tuple(
        f"The default module {module} has no source file." for module in modules.sourceless
    )


def _with_sources(contents: Contents, layout: Layout, own: str) -> set[str]:
    folders = {name.rpartition("/")[0] for name in contents.files if name.endswith(".bal")}
    found = (layout.module(folder) for folder in folders)
    return {name for name in found if name is not None and _is_module(name, own)}


def _is_module(name: str, own: str) -> bool:
    """Say whether a folder is named as a module of this package must be; other files are extra."""
    try:
        parse_module_name(name)
    except InvalidName:
        return False
    return f"{name}.".startswith(f"{own}.")


def _refuse_foreign(manifest: Manifest, name: str) -> None:
    try:
        parse_module_name(name)
    except InvalidName as error:
        raise CoordinateInvalid(manifest.source, error) from None
    own = manifest.coordinate.package.name
    if not _is_module(name, own):
        raise ForeignModule(manifest.source, name, own)


def _own_first(own: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (name != own, name)))
