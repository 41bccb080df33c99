"""The manual: pages of `docs/` for people who publish and build packages and for operators, as
HTML.

The pages are the Markdown files as they are in the repository, in which the address of a registry
replaces those of examples, and the words of its installation the command `ballroom`. Their headings
keep the ids that GitHub gives them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import unescape
from pathlib import Path

from msgspec import Struct

from shared.program import respelled
from shared.prose.rendering import render_markdown
from shared.prose.safe_html import HeadingIds, SafeHtml
from shared.prose.text_links import TextPlace

MANUAL_FOLDER = Path(__file__).parents[2] / "docs"
MAX_CACHED_MANUALS = 2  # A process has one address; tests have two.

# The files below `docs/` in the order of the menu.
GROUPS = (
    ("Start", ("use/tutorial.md", "use/search.md")),
    ("Clients", ("use/clients.md", "use/clients-behind-proxies.md", "use/agents.md")),
    ("Accounts", ("use/login.md", "use/sign-in.md", "use/tokens.md", "use/reports.md")),
    (
        "Publishing",
        (
            "use/publish-from-ci.md",
            "use/publish-from-ci-by-shell.md",
            "use/trusted-publishing.md",
            "use/issuers.md",
            "use/withdraw.md",
            "use/sigstore.md",
            "use/badges-and-feeds.md",
            "use/checklists.md",
            "use/dependency-updates.md",
            "use/audit.md",
            "use/verify.md",
            "use/sbom.md",
            "use/go-toolchain.md",
            "reference/limits.md",
        ),
    ),
    (
        "Organizations",
        (
            "use/organizations.md",
            "use/rules.md",
            "use/licenses-and-secrets.md",
            "use/private-packages.md",
            "use/advisories.md",
            "use/follow.md",
        ),
    ),
    (
        "Protocols",
        (
            "reference/protocols/central.md",
            "reference/protocols/maven.md",
            "reference/protocols/index.md",
            "reference/protocols/api-docs.md",
            "reference/protocols/mcp.md",
            "reference/osv.md",
        ),
    ),
    (
        "Running a registry",
        (
            "run/self-hosting.md",
            "run/company.md",
            "run/administration.md",
            "run/mirroring.md",
            "run/hardening.md",
            "run/backup.md",
            "run/recovery.md",
            "run/upgrade.md",
            "run/incidents.md",
            "run/rules.md",
            "run/reports.md",
            "run/registry-file.md",
            "run/scanner.md",
            "run/scim.md",
            "run/signing-keys.md",
            "run/transparency-log.md",
            "run/witnesses.md",
            "run/sigstore.md",
            "run/personal-data.md",
            "run/questions.md",
            "run/evidence.md",
            "run/leave.md",
            "run/telemetry.md",
            "run/size.md",
            "run/firewall.md",
            "run/air-gap.md",
            "run/advisories.md",
            "run/supply-chain.md",
            "run/third-party.md",
        ),
    ),
    (
        "Running a registry on Azure",
        (
            "run/azure/deployment.md",
            "run/azure/operations.md",
            "run/azure/administrators.md",
            "run/azure/monitoring.md",
            "run/azure/archive-delivery.md",
            "run/azure/cost.md",
        ),
    ),
)
FILES = tuple(file for _, files in GROUPS for file in files)

# Addresses of examples: where `make run` listens, a registry for others, and one with a domain.
EXAMPLE_ADDRESSES = (
    "http://127.0.0.1:7071",
    "https://ballroom.example.org",
    "https://packages.example.org",
)

_EXAMPLE = re.compile("|".join(rf"{re.escape(each)}(?![\w.:-])" for each in EXAMPLE_ADDRESSES))
_TITLE = re.compile(r"\A# (.+)\n+")
_FENCED = re.compile(r"(^ *````.*?^ *````$|^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"\A *(`+).*\n|\n? *`+\Z")
_SUBHEADING = re.compile(r"^#(?=#+ )", re.MULTILINE)
_FILE_AS_WORDS = re.compile(r"\[[\w-]+\.md\]\(([^)#\s]+)")
_HEADING = re.compile(r"^##+ (.*)$", re.MULTILINE)
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)
# What begins a line, and is not its text: of headings, quotes, lists, and below headers of tables.
_LINE_SIGN = re.compile(r"^ *(?:#+ |> ?|[-*] |\d{1,2}\. |\|[-:| ]+$)+", re.MULTILINE)
# Each begins with a sign: code, a link, an address, a tag, emphasis, an escaped sign, a cell.
_SIGN = re.compile(
    r"`([^`]+)`|\[((?:[^][`]|`[^`]*`)*)\]\([^)\s]*\)|<(https?:[^>]*)>|<[a-z/!][^>]*>|\*+|\\([^\w\s])"
    r"|\|"
)


class Section(Struct, frozen=True):
    """A part of a page below a heading; the beginning of a page has no id and no title."""

    id: str
    title: str
    text: str  # Without its title.


class ManualPage(Struct, frozen=True):
    name: str
    title: str
    summary: str
    markdown: str
    file: str  # Below `docs/`.
    titled: str  # The Markdown, in which links to pages have the titles of these.
    sections: tuple[Section, ...]

    @property
    def address(self) -> str:
        return f"/docs/{self.name}"

    @property
    def places(self) -> tuple[Section, ...]:
        """The sections that a menu lists."""
        return self.sections[1:]

    def render(self) -> SafeHtml:
        """Return the page without its title, which takes up to a tenth of a second the first
        time."""
        return _rendered(self.titled, self.file)


class Manual(Struct, frozen=True):
    """All pages for one registry."""

    groups: tuple[tuple[str, tuple[ManualPage, ...]], ...]

    @property
    def pages(self) -> tuple[ManualPage, ...]:
        return tuple(page for _, pages in self.groups for page in pages)

    def page(self, name: str) -> ManualPage | None:
        return next((each for each in self.pages if each.name == name), None)


@lru_cache(maxsize=MAX_CACHED_MANUALS)
def read_manual(
    address: str,
    operator_program: str,
    words: tuple[tuple[str, str], ...] = (),
    folder: Path = MANUAL_FOLDER,
) -> Manual:
    """Read all pages for the address of a registry and the words before its operators' commands.

    `words` are further words of examples, with those that replace them.
    """
    read = {file: (folder / file).read_text("utf-8") for file in FILES}
    texts = {
        file: _localized(text, address, operator_program, words) for file, text in read.items()
    }
    return Manual(
        tuple((group, tuple(_page(each, texts) for each in files)) for group, files in GROUPS)
    )


def page_name(file: str) -> str:
    """Return the last segment of a page's address, which has no slash."""
    folder, _, name = file.removesuffix(".md").rpartition("/")
    if folder.endswith("protocols"):
        return f"{name}-protocol"
    return f"run-{name}" if folder.partition("/")[0] == "run" else name


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


def _localized(
    text: str, address: str, operator_program: str, words: tuple[tuple[str, str], ...]
) -> str:
    """Replace the words of examples and the program of operators' commands."""
    for word, replacement in words:
        text = text.replace(word, replacement)
    return respelled(_EXAMPLE.sub(lambda _: address, text), operator_program)


def _page(file: str, texts: dict[str, str]) -> ManualPage:
    text = texts[file]
    titled = _with_titles(text, file, texts)
    parts = _changed_prose(_TITLE.sub("", titled), lambda prose: _SECTION.sub("\0", prose))
    beginning, *others = parts.split("\0")
    first = _plain(_FENCED.sub("", beginning)).partition(". ")[0]
    summary = first.removesuffix(".").removesuffix(":")
    sections = Section("", "", _plain(beginning)), *_sections(others)
    return ManualPage(page_name(file), _title(text), summary, text, file, titled, sections)


def _sections(parts: Iterable[str]) -> Iterator[Section]:
    """Yield the sections by their Markdown: rendering every page takes a second."""
    ids = HeadingIds()
    for part in parts:
        heading, _, below = part.removeprefix("## ").partition("\n")
        title = _without_signs(heading)
        yield Section(ids.of(title), title, _plain(below))
        for lower in _HEADING.findall(_FENCED.sub("", below)):
            ids.of(_without_signs(lower))


def _title(text: str) -> str:
    found = _TITLE.match(text)
    return found[1].replace("`", "") if found else ""


@lru_cache(maxsize=MAX_CACHED_MANUALS * len(FILES))
def _rendered(text: str, file: str) -> SafeHtml:
    """Return a text of ours as HTML, in which the highest headings are one below the title."""
    shown = _changed_prose(_TITLE.sub("", text), lambda prose: _SUBHEADING.sub("", prose))
    place = ManualPlace("", file.rpartition("/")[0], frozenset(FILES))
    return render_markdown(shown, place, prefix="")


def _changed_prose(text: str, change: Callable[[str], str]) -> str:
    """Return a text in which everything but its blocks of code is changed."""
    pieces = _FENCED.split(text)
    pieces[::2] = map(change, pieces[::2])
    return "".join(pieces)


def _with_titles(text: str, file: str, texts: dict[str, str]) -> str:
    """Replace the words of links that are the names of files by the titles of these pages."""
    place = ManualPlace("", file.rpartition("/")[0], frozenset(FILES))

    def titled(link: re.Match[str]) -> str:
        target = TextPlace.link(place, link[1], "").removeprefix("/")
        return f"[{_title(texts[target])}]({link[1]}" if target in texts else link[0]

    return _FILE_AS_WORDS.sub(titled, text)


def _plain(markdown: str) -> str:
    """Return a text of ours without its signs, in one line."""
    pieces = _FENCED.split(markdown)
    pieces[::2] = (_without_signs(_LINE_SIGN.sub("", each)) for each in pieces[::2])
    pieces[1::2] = (_FENCE.sub("", each) for each in pieces[1::2])
    return " ".join(unescape(" ".join(pieces)).split())


def _without_signs(markdown: str) -> str:
    return _SIGN.sub(_meant, markdown)


def _meant(sign: re.Match[str]) -> str:
    code, linked, address, escaped = sign.groups()
    if code is not None:
        return code.replace("\\|", "|")  # As it is written in a table.
    if linked is not None:
        return _without_signs(linked)
    return address or escaped or (" " if sign[0] == "|" else "")
