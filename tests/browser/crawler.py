"""Follows every link of a site and checks that the page and its fragment exist."""

import re
from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

MOST_PAGES = 800  # A site of a few packages has about 500, with the manual; a trap has no end.
BEGINNING = "the beginning"
LEADING = {"a": "href", "link": "href", "img": "src", "script": "src"}


class Links(HTMLParser):
    """Gathers what a page leads to, and the places in it."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.assets: list[str] = []  # What a browser fetches by itself to show the page.
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        values = dict(attrs)
        if "id" in values:
            self.ids.add(values["id"] or "")
        target = values.get(LEADING.get(tag, ""))
        if target is not None and "download" not in values:
            self.targets.append(target)
            if tag in ("img", "script") or values.get("rel") in ("stylesheet", "icon"):
                self.assets.append(target)


@dataclass
class Crawl:
    """What was found behind the links of a site, beginning at some of its pages."""

    origin: str
    client: httpx.Client
    pages: dict[str, set[str]] = field(default_factory=dict[str, set[str]])  # With their ids.
    broken: list[str] = field(default_factory=list[str])

    def follow(self, *beginnings: str) -> None:
        """Ask for everything that can be reached from these paths, each once."""
        waiting = deque((self.origin + path, BEGINNING) for path in beginnings)
        asked: set[str] = set()
        places: list[tuple[str, str, str]] = []
        while waiting:
            address, source = waiting.popleft()
            whole, fragment = urldefrag(address)
            if fragment:
                places.append((whole, fragment, source))
            if whole not in asked and self._is_ours(whole):
                asked.add(whole)
                targets = self._targets(whole, source)
                # A question is asked, and what it leads to are further questions without end.
                if "?" not in whole or source == BEGINNING:
                    waiting.extend((target, whole) for target in targets)
        self.broken += [
            f"{source} leads to #{fragment}, which {page} does not have"
            for page, fragment, source in places
            if page in self.pages and fragment not in self.pages[page]
        ]

    def kinds(self) -> dict[str, str]:
        """Return one page of each kind: the same path, but for names and numbers.

        A tab of a package is that of its newest version.
        """
        chosen: dict[str, str] = {}
        for address in self.pages:
            path = urlsplit(address).path
            kind = re.sub(r"(/(?:files|docs))/.*", r"\1", path)
            kind = re.sub(r"/\d+\.\d+\.\d+$", "/VERSION", kind)
            kind = re.sub(r"/\d+\.\d+\.\d+/", "/", kind)
            chosen.setdefault(
                re.sub(r"^/(packages|orgs)/[^/]+(/[^/]+)?", r"/\1/NAME", kind), address
            )
        return chosen

    def _is_ours(self, address: str) -> bool:
        return address.startswith(f"{self.origin}/") or address == self.origin

    def _asks_who_one_is(self, answer: httpx.Response) -> bool:
        """Say whether it is the page for signing in, which is a refusal and a page like others."""
        return answer.status_code == 401 and "/sign-in" in answer.text

    def _targets(self, address: str, source: str) -> list[str]:
        assert len(self.pages) < MOST_PAGES, "the site has no end"
        answer = self.client.get(address, follow_redirects=True)
        if not answer.is_success and not self._asks_who_one_is(answer):
            self.broken.append(f"{source} leads to {address}: {answer.status_code}")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return []
        links = Links()
        links.feed(answer.text)
        self.pages[address] = links.ids
        return [urljoin(str(answer.url), target) for target in links.targets]
