"""The texts of a release as HTML: its readme, those of its modules, its changelog."""

from urllib.parse import quote

from functions.http.public_pages import PageRequest
from functions.web.package.frame import PackageFrame, files_of
from shared.prose.rendering import SafeHtml, TextPlace
from shared.services.package_details import ReleaseDetails

_PACKED_TEXTS = "docs"  # The folder into which `bal pack` for Java moves texts of the root.
_UNPACKED_LAYOUT = "4"  # The version of the layout that keeps the folders of the project.


async def readme_html(
    request: PageRequest, details: ReleaseDetails, text: str, module: str = ""
) -> SafeHtml:
    """Return the readme of a release, or of one of its modules, as safe HTML."""
    return await text_html(request, details, text, _folder(details, module))


async def text_html(
    request: PageRequest, details: ReleaseDetails, text: str, folder: str
) -> SafeHtml:
    """Return a text of a folder of the archive as safe HTML."""
    if not text.strip():
        return SafeHtml()
    release, frame = details.release, PackageFrame(details, request.url)
    files = await files_of(request, details)
    place = TextPlace(
        files=quote(f"/files/{details.package}/{release.version}"),
        folder=folder,
        names=files.files if files else frozenset(),
        pages=f"{quote(frame.address('files'))}?path=",
    )
    return await request.registry.rendered_texts.render(release.content, text, place)


def source_folder(details: ReleaseDetails, module: str) -> str:
    """Return the folder of the archive with the sources of a module, with a slash behind it; the
    root is empty."""
    if not _is_project(details):
        return f"modules/{module}/"
    name = details.package.name
    return "" if module == name else f"modules/{module.removeprefix(f'{name}.')}/"


def _folder(details: ReleaseDetails, module: str) -> str:
    """Return the folder of the text in the archive."""
    if _is_project(details):
        return source_folder(details, module or details.package.name).removesuffix("/")
    return f"{_PACKED_TEXTS}/modules/{module}" if module else _PACKED_TEXTS


def _is_project(details: ReleaseDetails) -> bool:
    return details.release.bala_version.startswith(_UNPACKED_LAYOUT)
