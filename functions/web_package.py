"""/packages/{org}/{name}[/{version}[/{tab}]]: a package, and every release of it for ever."""

import azure.functions as func

from functions._http import JSON
from functions._package_pages import FIRST, coordinate_of, no_such_page, package_of, show
from functions._package_tabs import PAGES
from functions._package_twins import json_twin, markdown_twin
from functions._public_pages import MARKDOWN, METHODS, Look, PublicPages
from functions._readmes import readme_of
from shared.registry import Registry
from shared.services.showing import Portrait


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of packages."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("packages/{org}/{name}", methods=METHODS)
    @pages.page
    async def web_package(look: Look) -> func.HttpResponse:
        portrait = await registry.showing.package(package_of(look), by=look.principal)
        return await _release(look, portrait)

    @bp.route("packages/{org}/{name}/{version}", methods=METHODS)
    @pages.page
    async def web_package_version(look: Look) -> func.HttpResponse:
        portrait = await registry.showing.release(coordinate_of(look), by=look.principal)
        return await _release(look, portrait)

    @bp.route("packages/{org}/{name}/{version}/{tab}", methods=METHODS)
    @pages.page
    async def web_package_tab(look: Look) -> func.HttpResponse:
        page = PAGES.get(look.route["tab"])
        if page is None:
            raise no_such_page(look)
        portrait = await registry.showing.release(coordinate_of(look), by=look.principal)
        return await page(look, portrait)

    return bp


async def _release(look: Look, portrait: Portrait) -> func.HttpResponse:
    """Return a release as the one who asks reads it: a page, JSON or Markdown."""
    if look.wants(JSON):
        return look.json(json_twin(portrait, look.url))
    texts = await look.registry.showing.texts(portrait)
    if look.wants(MARKDOWN):
        return look.text(markdown_twin(portrait, texts.readme, look.url), MARKDOWN)
    readme = await readme_of(look, portrait, texts.readme)
    return show(look, portrait, FIRST, readme=readme, managed=await _is_managed(look, portrait))


async def _is_managed(look: Look, portrait: Portrait) -> bool:
    """Say whether whoever looks may manage the package; of strangers no store is asked."""
    if look.visitor is None:
        return False
    return await look.registry.stocktaking.may_manage(portrait.package, by=look.principal)
