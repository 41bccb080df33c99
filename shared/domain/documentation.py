"""The documentation of a bala: the texts that people read before they use it."""

from collections.abc import Iterable

from shared.domain.bad_archive import DocumentationEmpty, DocumentationMissing
from shared.domain.contents import Contents
from shared.domain.layout import Layout
from shared.domain.limits import Documentation
from shared.domain.package import ModuleText, Texts
from shared.domain.summary import summary_of


def read_texts(
    contents: Contents, layout: Layout, exported: Iterable[str], policy: Documentation
) -> Texts:
    """Return the texts of the package and of its exported modules, or refuse to be without."""
    name = _first(contents, layout.package_texts())
    readme = contents.text(name) if name else ""
    if layout.documentation_folder and policy is Documentation.REQUIRED:
        _require(contents, layout.documentation_folder, name, readme)
    descriptions = {item.name: item.description for item in layout.manifest.modules}
    modules = (
        _module_text(contents, layout, module, descriptions.get(module, "")) for module in exported
    )
    return Texts(readme=readme, modules=tuple(modules))


def _require(contents: Contents, folder: str, name: str, readme: str) -> None:
    documented = (
        each.lower().endswith(".md") for each in contents.files if each.startswith(f"{folder}/")
    )
    if not name or not any(documented):
        raise DocumentationMissing
    if not readme.strip():
        raise DocumentationEmpty(name)


def _module_text(contents: Contents, layout: Layout, module: str, description: str) -> ModuleText:
    name = _first(contents, layout.module_texts(module))
    readme = contents.text(name) if name else ""
    return ModuleText(name=module, summary=summary_of(description, readme), readme=readme)


def _first(contents: Contents, names: Iterable[str]) -> str:
    """Return the first of `names` that the archive holds, or nothing."""
    return next((name for name in names if name in contents.files), "")
