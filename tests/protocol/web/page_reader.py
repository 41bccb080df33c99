"""Reading pages: what they answer, what is particular to them, and what is in them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

import httpx

from tests.support.world import URL, Person, World

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_SIZE = re.compile(r"\d[\d.,]* (?:bytes|KiB)")  # Compression differs between versions of zlib.
_CSRF = re.compile(r'(?<=name="csrf" value=")[^"]+')
_REQUEST = re.compile(r"(?<=>)[0-9a-f]{16}(?=<)")
# How fast something counts is one thing on one machine and another in the cloud.
_REACH = re.compile(r'(?<=(?:Search|rchive)</th><td data-label="When"><span>)[^<]+')


async def opened(
    world: World, path: str, accept: str = "", by: Person | None = None
) -> httpx.Response:
    """Return the answer to a browser, or to a program that says what it reads."""
    headers = {"Accept": accept or "text/html,application/xhtml+xml,*/*;q=0.8"}
    return await world.get(URL + path, headers=headers, by=by)


async def words(world: World, path: str) -> str:
    """Return the words of a page."""
    answer = await opened(world, path)
    assert answer.status_code == 200, answer.text
    return " ".join(Elements.of(answer).words.split())


def listed(answer: httpx.Response) -> list[str]:
    """Return the packages that a page of results lists."""
    found = re.findall(
        r'<h2 class="result-name" id="[^"]*"><a href="/packages/([^"]+)"', answer.text
    )
    return [unquote(each) for each in found]


def counted(answer: httpx.Response) -> int:
    """Return how many results a page of them says that there are."""
    [words] = re.findall(r'class="result-count"[^>]*>([^<]*)<', answer.text)
    return int("".join(re.findall(r"[\d,]+", words.rpartition("of ")[2])).replace(",", "") or "0")


def main_of(answer: httpx.Response) -> str:
    """Return what is between header and footer, without what differs each time."""
    [main] = re.findall(r"<main.*</main>\n", answer.text, re.DOTALL)
    main = _CSRF.sub("CSRF", _REQUEST.sub("REQUEST", _REACH.sub("WHEN", main)))
    return _SIZE.sub("SIZE", _DIGEST.sub("SHA-256", main))


@dataclass
class Elements(HTMLParser):
    """The elements of a page with their attributes, and its words."""

    found: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, answer: httpx.Response) -> "Elements":
        """Return what the page of an answer holds."""
        elements = cls()
        elements.feed(answer.text)
        return elements

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Note words."""
        self.words += data

    def every(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element of that tag."""
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def links(self) -> list[str]:
        """Return where links lead."""
        return [each["href"] for each in self.every("a")]
