"""The manual: pages of `docs/` for people who publish and build packages, as HTML with a search.

The pages are the Markdown files as they are in the repository, in which the address of a registry
replaces those of examples, and the command of its operators the one of a clone. Their headings keep
the ids that GitHub gives them.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape
from pathlib import Path

from msgspec import Struct

from shared.prose.rendering import render_fully
from shared.prose.safe_html import SafeHtml, TextPlace

MANUAL_FOLDER = Path(__file__).parents[2] / "docs"
MANUALS_KEPT = 2  # A process has one address; tests have two.
MAX_HITS = 20

# The files below `docs/` in the order of the menu.
GROUPS = (
    ("Clients", ("use/clients.md", "use/clients-behind-proxies.md")),
    ("Accounts", ("use/login.md", "use/sign-in.md", "use/tokens.md")),
    ("Publishing", ("use/trusted-publishing.md", "use/go-toolchain.md", "reference/limits.md")),
    ("Organizations", ("use/organizations.md", "use/private-packages.md")),
    (
        "Protocols",
        (
            "reference/protocols/central.md",
            "reference/protocols/maven.md",
            "reference/protocols/index.md",
            "reference/protocols/api-docs.md",
        ),
    ),
)
FILES = tuple(file for _, files in GROUPS for file in files)

# Addresses of examples: where `make run` listens, and a registry for others.
EXAMPLE_ADDRESSES = ("http://127.0.0.1:7071", "https://ballroom.example.org")

_EXAMPLE = re.compile("|".join(rf"{re.escape(each)}(?![\w.:-])" for each in EXAMPLE_ADDRESSES))
_PROGRAM_OF_CLONES = re.compile(r"(?:\.venv/bin/)?python -m shared\.cli(?= )")
_TITLE = re.compile(r"\A# (.+)\n+")
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_SUBHEADING = re.compile(r"^#(?=#+ )", re.MULTILINE)
_FILE_AS_WORDS = re.compile(r"\[[\w-]+\.md\]\(([^)#\s]+)")
_HEADING = re.compile(r'<h([2-6]) id="([^"]+)">(.*?)</h\1>', re.DOTALL)
_ANCHOR = re.compile(r'<a class="anchor".*?</a>', re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|li|h\d|td|th|pre)>|<br>")
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")
_TOP = "2"  # The level of the headings that a menu lists.
_FILLERS = frozenset(
    (
        *("a", "an", "and", "can", "do", "does", "for", "how", "i", "in", "is", "it", "my", "of"),
        *("on", "or", "the", "to", "what", "with"),
    )
)
_MAX_WORDS = 10  # Of a search.
_EXCERPT_CHARACTERS = 180


class Section(Struct, frozen=True):
    """A heading of a page with the text up to the next one; the first of a page has no id."""

    id: str
    title: str
    text: str
    is_top: bool = False


class ManualPage(Struct, frozen=True):
    """A page; `html` is without its title."""

    name: str
    title: str
    summary: str
    markdown: str
    html: SafeHtml
    sections: tuple[Section, ...]

    @property
    def address(self) -> str:
        return f"/docs/{self.name}"

    @property
    def places(self) -> tuple[Section, ...]:
        """The sections that a menu lists."""
        return tuple(each for each in self.sections if each.is_top)


class ManualHit(Struct, frozen=True):
    """A section that was found, with the part of its text around a word."""

    page: ManualPage
    section: Section
    excerpt: str

    @property
    def address(self) -> str:
        return f"{self.page.address}#{self.section.id}" if self.section.id else self.page.address


class Manual(Struct, frozen=True):
    """All pages for one registry."""

    groups: tuple[tuple[str, tuple[ManualPage, ...]], ...]

    @property
    def pages(self) -> tuple[ManualPage, ...]:
        return tuple(page for _, pages in self.groups for page in pages)

    def page(self, name: str) -> ManualPage | None:
        return next((each for each in self.pages if each.name == name), None)

    def search(self, text: str) -> list[ManualHit]:
        """Return at most `MAX_HITS` sections that have words that begin with one of these, best
        first: words in headings count more than words in titles, and these more than the text."""
        asked = [each for each in _WORD.findall(text.lower()) if each not in _FILLERS]
        words = [re.compile(rf"\b{each}") for each in asked[:_MAX_WORDS]]
        if not words:
            return []
        scored = [
            (_score(page, section, words), page, section)
            for page in self.pages
            for section in page.sections
        ]
        found = sorted((each for each in scored if each[0]), key=lambda each: -each[0])
        return [
            ManualHit(page, section, _excerpt(section.text, words))
            for _, page, section in found[:MAX_HITS]
        ]


@lru_cache(maxsize=MANUALS_KEPT)
def read_manual(address: str, operator_program: str, folder: Path = MANUAL_FOLDER) -> Manual:
    """Read and render all pages for the address of a registry and the words before its operators'
    commands, which takes 0.2 s the first time."""
    read = {file: (folder / file).read_text("utf-8") for file in FILES}
    texts = {file: _localized(text, address, operator_program) for file, text in read.items()}
    return Manual(
        tuple((group, tuple(_page(each, texts) for each in files)) for group, files in GROUPS)
    )


def page_name(file: str) -> str:
    """Return the last segment of a page's address, which has no slash."""
    folder, _, name = file.removesuffix(".md").rpartition("/")
    return f"{name}-protocol" if folder.endswith("protocols") else name


class ManualPlace(TextPlace, frozen=True):
    """The place of a page: links to other pages of the manual lead to their addresses, and those
    to other files of the repository to none."""

    def link(self, written: str, prefix: str) -> str:
        if written.startswith("#") or ":" in written:
            return super().link(written, prefix)
        path, _, fragment = written.partition("#")
        file = super().link(path, prefix).removeprefix("/")
        if file not in FILES:
            return ""
        return f"/docs/{page_name(file)}" + (f"#{fragment}" if fragment else "")


def _localized(text: str, address: str, operator_program: str) -> str:
    """Replace the address of examples and, unless this registry runs from a clone, the program."""

    def program(found: re.Match[str]) -> str:
        return found[0] if found[0].endswith(operator_program) else operator_program

    return _PROGRAM_OF_CLONES.sub(program, _EXAMPLE.sub(lambda _: address, text))


def _page(file: str, texts: dict[str, str]) -> ManualPage:
    text = texts[file]
    html = _render(_with_titles(text, file, texts), file)
    title, sections = _title(text), tuple(_sections(html))
    summary = sections[0].text.partition(". ")[0].removesuffix(".").removesuffix(":")
    return ManualPage(page_name(file), title, summary, text, html, sections)


def _title(text: str) -> str:
    found = _TITLE.match(text)
    return found[1].replace("`", "") if found else ""


def _render(text: str, file: str) -> SafeHtml:
    """Return a text of ours as HTML, in which the highest headings are one below the title."""
    pieces = _FENCED.split(_TITLE.sub("", text))
    pieces[::2] = [_SUBHEADING.sub("", piece) for piece in pieces[::2]]
    names, folder = frozenset(FILES), file.rpartition("/")[0]
    place = ManualPlace("", folder, names)
    return render_fully("".join(pieces), place, prefix="")


def _with_titles(text: str, file: str, texts: dict[str, str]) -> str:
    """Replace the words of links that are the names of files by the titles of these pages."""
    place = ManualPlace("", file.rpartition("/")[0], frozenset(FILES))

    def titled(link: re.Match[str]) -> str:
        target = TextPlace.link(place, link[1], "").removeprefix("/")
        return f"[{_title(texts[target])}]({link[1]}" if target in texts else link[0]

    return _FILE_AS_WORDS.sub(titled, text)


def _sections(html: str) -> Iterator[Section]:
    headings = list(_HEADING.finditer(html))
    ends = [each.start() for each in headings[1:]] + [len(html)]
    yield Section("", "", _plain(html[: headings[0].start() if headings else len(html)]))
    for heading, end in zip(headings, ends, strict=bool(headings)):
        text, title = _plain(html[heading.end() : end]), _plain(heading[3])
        yield Section(heading[2], title, text, heading[1] == _TOP)


def _plain(html: str) -> str:
    separated = _BLOCK_END.sub(" ", _ANCHOR.sub("", html))
    return " ".join(unescape(_TAG.sub("", separated)).split())


def _score(page: ManualPage, section: Section, words: Sequence[re.Pattern[str]]) -> int:
    """Return how well a section fits; 0 if it and the page's title have none of the words."""
    title, heading, text = page.title.lower(), section.title.lower(), section.text.lower()
    total = 0
    for word in words:
        in_title, in_heading = bool(word.search(title)), bool(word.search(heading))
        in_text = min(len(word.findall(text)), 4)
        total += 8 * in_heading + 5 * in_title * (1 if section.id else 2) + in_text
    return total


def _excerpt(text: str, words: Sequence[re.Pattern[str]]) -> str:
    found = next((each for word in words if (each := word.search(text.lower()))), None)
    begin = max(0, (found.start() if found else 0) - _EXCERPT_CHARACTERS // 3)
    begin = text.rfind(" ", 0, begin) + 1
    end = text.find(" ", begin + _EXCERPT_CHARACTERS)
    shown = text[begin : end if end > 0 else len(text)]
    return ("… " if begin else "") + shown + (" …" if end > 0 else "")
