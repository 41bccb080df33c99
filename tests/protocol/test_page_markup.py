"""Accessibility: the markup of every snapshot is well formed, labelled and in order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.each_row

_HERE = Path(__file__).parent
GOLDENS = sorted(
    [
        *(_HERE / "__snapshots__").rglob("*.html"),
        *(_HERE / "account").rglob("__snapshots__/*/*.html"),
        *(_HERE / "web" / "__snapshots__").rglob("*.html"),
    ]
)
EMPTY = {"br", "hr", "img", "input", "link", "meta", "option", "path", "circle", "wbr"}
FIELDS = {"input", "select", "textarea"}
HEADINGS = ("h1", "h2", "h3", "h4")


@dataclass
class Element:
    """An element with its attributes, its text, and what is inside."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element"] = field(default_factory=list["Element"])
    text: str = ""

    def all(self) -> Iterator["Element"]:
        """Yield every element inside, at any depth."""
        for each in self.inside:
            yield each
            yield from each.all()

    def ours(self) -> Iterator["Element"]:
        """Yield every element inside but those of authors, whose texts are cleaned elsewhere."""
        for each in self.inside:
            yield each
            if each.attributes.get("class") != "prose":
                yield from each.ours()

    def every(self, *tags: str) -> list["Element"]:
        """Return the elements of these tags inside."""
        return [each for each in self.all() if each.tag in tags]

    @property
    def words(self) -> str:
        """Return all text inside."""
        return (self.text + "".join(each.words for each in self.inside)).strip()


class Reader(HTMLParser):
    """Builds the tree of a page; an element that is not closed where it should be is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        assert max(names.values(), default=1) == 1, f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in EMPTY:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


@cache
def page(path: Path) -> Element:
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is not closed"
    return reader.root


pages = pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.name}-{path.stem}")


def test_there_are_pages_to_look_at() -> None:
    assert len(GOLDENS) > 15
    tags = {each.tag for path in GOLDENS for each in page(path).all()}
    assert tags >= {"button", "form", "pre", "table", "time", *FIELDS}


@pages
def test_no_two_elements_have_one_id_and_every_reference_leads_to_one(path: Path) -> None:
    ids = Counter(each.attributes["id"] for each in page(path).all() if "id" in each.attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    references = [
        reference
        for each in page(path).all()
        for name in ("for", "aria-describedby", "aria-labelledby", "list")
        for reference in each.attributes.get(name, "").split()
    ]
    assert [name for name in references if name not in ids] == []


@pages
def test_every_field_has_a_label(path: Path) -> None:
    labelled = {each.attributes.get("for") for each in page(path).every("label") if each.words}
    fields = [each for each in page(path).every(*FIELDS) if each.attributes.get("type") != "hidden"]
    assert [each for each in fields if each.attributes.get("id") not in labelled] == []


@pages
def test_every_button_and_link_says_what_it_does(path: Path) -> None:
    found = page(path).every("a", "button", "summary")
    assert [each for each in found if not (each.words or each.attributes.get("aria-label"))] == []
    # Of several that read alike, each says which it is.
    names = Counter(
        each.attributes.get("aria-label") or each.words for each in page(path).every("button")
    )
    alike = [name for name, count in names.items() if count > 1]
    # Two tokens of the goldens have one name, which only whoever gave it can tell apart.
    assert [name for name in alike if not name.endswith(" token test")] == []


@pages
def test_every_form_that_changes_something_proves_where_it_is_from(path: Path) -> None:
    for form in page(path).every("form"):
        hidden = {each.attributes.get("name") for each in form.every("input")}
        # A form that asks for a page changes nothing, and its proof would be in the address.
        assert ("csrf" in hidden) == (form.attributes["method"] == "post")


@pages
def test_headings_go_down_by_one_and_begin_with_the_title(path: Path) -> None:
    levels = [HEADINGS.index(each.tag) + 1 for each in page(path).every(*HEADINGS)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pages
def test_scrolling_regions_can_be_focused_and_have_names(path: Path) -> None:
    scrolling = [
        each
        for each in page(path).ours()
        if each.tag == "pre" or each.attributes.get("class") == "table"
    ]
    for each in scrolling:
        assert each.attributes["tabindex"] == "0"
        assert each.attributes["aria-label"]


@pages
def test_tables_have_a_caption_and_name_their_columns_and_rows(path: Path) -> None:
    for table in (each for each in page(path).ours() if each.tag == "table"):
        [caption] = table.every("caption")
        assert caption.words
        [head] = table.every("thead")
        assert all(each.words for each in head.every("th"))
        for row in (row for body in table.every("tbody") for row in body.every("tr")):
            assert [each.attributes["scope"] for each in row.every("th")] == ["row"]
            assert len(row.inside) == len(head.every("tr")[0].inside)


@pages
def test_times_are_for_programs_too(path: Path) -> None:
    assert all(each.attributes["datetime"].endswith("Z") for each in page(path).every("time"))
