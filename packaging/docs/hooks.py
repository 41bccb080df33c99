"""Hooks of MkDocs: the first page and the menu of the site come from the lists in README.md."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FIRST_PAGE, CHANGELOG = "index.md", "changelog.md"

_GROUP = re.compile(
    r"^(For people who [^:\n]+):\n(.*?)(?=^For people|\Z)", re.MULTILINE | re.DOTALL
)
_PAGE = re.compile(r"\(docs/([\w/.-]+\.md)\)")


def on_config(config: Any) -> Any:
    """Set the menu and the ids of headings."""
    config.nav = menu()
    config.mdx_configs["toc"]["slugify"] = slug
    return config


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages that are not in `docs/`."""
    # Only the environment of the site has MkDocs; tests read the menu without it.
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
    """Return every page: in the groups of README.md, then the decisions and the changelog."""
    groups = [{title: list(dict.fromkeys(_PAGE.findall(text)))} for title, text in _groups()]
    return [{"Ballroom": FIRST_PAGE}, *groups, {"Decisions": list(_decisions())}, CHANGELOG]


def first_page() -> str:
    """Return the section "Documentation" of README.md with links that lead to the site's pages."""
    section = _documentation().replace("](docs/", "](").replace("(CHANGELOG.md)", f"({CHANGELOG})")
    return "# Ballroom\n" + re.sub(r"\[([^\]]+)\]\(\.github/[^)]*\)", r"\1", section)


def _groups() -> Iterator[tuple[str, str]]:
    for group in _GROUP.finditer(_documentation()):
        yield group[1], group[2]


def _decisions() -> Iterator[str]:
    for file in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        yield f"decisions/{file.name}"


def _documentation() -> str:
    return _text("README.md").partition("## Documentation\n")[2]


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
