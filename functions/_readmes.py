"""Texts of archives as pages show them: Markdown whose links lead into the archive."""

from urllib.parse import quote

from functions._package_pages import Frame
from functions._public_pages import Look
from shared.domain.errors import ArchiveNotFound
from shared.domain.package import Release
from shared.prose.markdown import Place, SafeHtml
from shared.services.showing import Portrait

_PACKED_TEXTS = "docs"  # Where `bal pack` of Java puts the texts that lay at the root.
_AS_IT_WAS = "4"  # The layout in which an archive is the author's project as it is.


async def readme_of(look: Look, portrait: Portrait, text: str, module: str = "") -> SafeHtml:
    """Return a text of a release, or of one of its modules, as HTML that is safe on our own pages;
    empty for no text."""
    if not text.strip():
        return SafeHtml()
    release, frame = portrait.release, Frame(portrait, look.url)
    place = Place(
        files=quote(f"/files/{portrait.package}/{release.version}"),
        folder=_folder(portrait, module),
        names=await _names(look, release),
        pages=f"{quote(frame.address('files'))}?path=",
    )
    return await look.registry.renderings.html(release.content, text, place)


async def _names(look: Look, release: Release) -> frozenset[str]:
    """Return what a text can lead to; a text is shown even where its archive is lost."""
    try:
        return (await look.registry.unpacking.files(release)).files
    except ArchiveNotFound:
        return frozenset()


def _folder(portrait: Portrait, module: str) -> str:
    """Return where the text lies in its archive."""
    name = portrait.package.name
    if portrait.release.bala_version.startswith(_AS_IT_WAS):
        return f"modules/{module.removeprefix(f'{name}.')}" if module not in ("", name) else ""
    return f"{_PACKED_TEXTS}/modules/{module}" if module else _PACKED_TEXTS
