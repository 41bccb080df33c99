"""Hooks of MkDocs: the first page of the site is a section of README.md, and its menu has the
pages in the order of the index of each folder."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIRST_PAGE = "index.md"
CHANGELOG = "changelog.md"

_PAGE = re.compile(r"\(([\w/.-]+\.md)\)")
_FOLDERS = {
    "Use it": "use",
    "Run it": "run",
    "Run it on Azure": "run/azure",
    "Reference": "reference",
    "Develop it": "develop",
}


def on_config(config: Any) -> Any:
    """Set the menu and the ids of headings."""
    config.nav = menu()
    config.mdx_configs["toc"]["slugify"] = slug
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages that are not in `docs/`."""
    # Only the environment of the site has MkDocs.
    generated = import_module("mkdocs.structure.files").File.generated
    files.append(generated(config, FIRST_PAGE, content=first_page()))
    files.append(generated(config, CHANGELOG, content=_text("CHANGELOG.md")))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links to the changelog of the repository to that of the site."""
    return markdown.replace("(../CHANGELOG.md)", f"({CHANGELOG})")


def slug(text: str, separator: str) -> str:
    """Return the id of a heading as GitHub makes it, which links in the pages name."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", separator)


def menu() -> list[Any]:
    """Return every page: in the order of the index of its folder, then the decisions and the
    changelog."""
    groups = [{title: list(_pages(folder))} for title, folder in _FOLDERS.items()]
    return [{"Ballroom": FIRST_PAGE}, *groups, {"Decisions": list(_decisions())}, CHANGELOG]


def first_page() -> str:
    """Return the section "Documentation" of README.md with links that lead to the site's pages."""
    section = _documentation().replace("](docs/", "](").replace("(CHANGELOG.md)", f"({CHANGELOG})")
    return "# Ballroom\n" + re.sub(r"\[([^\]]+)\]\(\.github/[^)]*\)", r"\1", section)


def _pages(folder: str) -> Iterator[str]:
    yield f"{folder}/README.md"
    for link in _PAGE.findall(_text(f"docs/{folder}/README.md")):
        if not link.startswith("../") and not link.endswith("README.md"):
            yield f"{folder}/{link}"


def _decisions() -> Iterator[str]:
    for file in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        yield f"decisions/{file.name}"


def _documentation() -> str:
    return _text("README.md").partition("## Documentation\n")[2]


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
