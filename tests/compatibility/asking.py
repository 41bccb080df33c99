"""What is asked of a registry, and what of its answers has to be the same for ever."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx

from tests.compatibility.story import PACKAGES, Facts
from tests.support.device_login import GRANT_TYPE
from tests.support.world import URL

BASE = "/2.0/registry"
MAVEN = "/2.0/maven"
QUIET = {"Ballerina-Central-Telemetry-Disabled": "true"}  # To be read changes nothing.
KEPT = ("content-type", "digest", "isdeprecated", "deprecatemessage")  # Headers of answers.
FORM = "application/x-www-form-urlencoded"

# Links are signed anew; what is past the registry has another address in each place.
_LINK = re.compile(r"https?://[^\s\"<>]*/([^/\s\"<>?]+)\?[^\s\"<>]*")


@dataclass(frozen=True)
class Ask:
    """One request; `words` are what the page has to show, where it is a page."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    words: tuple[str, ...] = ()
    only_status: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        fields: dict[str, Any] = {**stored, "words": tuple(stored["words"])}
        return cls(**fields)

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        """Name it in reports."""
        who = next((name for name in ("Authorization", "Cookie") if name in self.headers), "")
        return f"{self.method} {self.path}{' with ' + who if who else ''}"

    async def send(self, http: httpx.AsyncClient) -> dict[str, Any]:
        """Return what of the answer is compared."""
        content = self.body.encode()
        answer = await http.request(
            self.method, URL + self.path, headers={**QUIET, **self.headers}, content=content
        )
        reported: dict[str, Any] = {"status": answer.status_code}
        if self.only_status:
            return reported
        reported["headers"] = {
            name: answer.headers[name] for name in KEPT if name in answer.headers
        }
        if answer.status_code in (302, 303, 307):
            return {**reported, **await _followed(http, answer)}
        return {**reported, **self._read(answer)}

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "text/html":
            return {"words": {word: word in answer.text for word in self.words}}
        if kind in ("application/octet-stream", "application/zip"):
            return {"sha256": hashlib.sha256(answer.content).hexdigest()}
        text = _LINK.sub(r"link to \1", answer.text)
        return {"json": json.loads(text)} if kind == "application/json" and text else {"text": text}


async def _followed(http: httpx.AsyncClient, answer: httpx.Response) -> dict[str, Any]:
    location = answer.headers["location"]
    file = urlsplit(location).path.rpartition("/")[2]
    if not file.endswith(".bala"):
        return {"to": file}
    found = await http.get(httpx.URL(URL).join(location), headers=QUIET)
    digest = hashlib.sha256(found.content).hexdigest()
    return {"to": file, "then": found.status_code, "sha256": digest}


# The versions of a package. The newest release was behind its pre-releases, and now comes first.
VERSIONS = "/json"
RANKED = ("/packages", "/suggestions")  # What a search finds, which may become more, or better.
FOUND = "/json/count"  # How much it finds.
# Fields and words of pages that later versions do without, as the changelog says.
REMOVED = {
    "made",
    "madeWith",
    "becomes owner",
    "domains",
    "newestOwnerAt",
    "verifiedDomains",
    "example.org",
    "notices",
    "Moving house.",
}
# How paths end that later versions do not have.
REMOVED_PATHS = (
    "/domains",
    "/held",
    "/identities",
    "/pending",
    "/accept",
    "/confirm",
    "/feeds/newest.atom",
)
SCOPES = "/scopes"  # Of a session, which has every scope that there is.
TEXT = "/text"  # Of an answer that is not JSON, such as lines of JSON.
SENTENCE = "/error/message"  # For people; it may be put into other words.


def differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Say what the new answer lacks of the old one; it may say more."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - REMOVED:
            yield from differences(old[key], new.get(key), f"{at}/{key}")
    elif at.endswith(SCOPES) and isinstance(new, list):
        yield from (f"{at}: {each!r} is gone" for each in old if each not in new)
    elif isinstance(old, list) and isinstance(new, list) and _has_as_many(old, new, at):
        for number, (one, other) in enumerate(zip(*_in_one_order(old, new, at), strict=True)):
            yield from differences(one, other, f"{at}/{number}")
    elif at.endswith(TEXT) and (lines := _objects(old)) and (others := _objects(new)):
        yield from differences(lines, others[: len(lines)], at)
    elif old != new and not _may_be_better(old, new, at):
        yield f"{at}: {old!r} is now {new!r}"


def _objects(text: Any) -> list[Any]:
    """Return the objects of lines of JSON; nothing of another text."""
    try:
        lines = [json.loads(each) for each in text.splitlines()]
    except (AttributeError, ValueError):
        return []
    return lines if all(isinstance(each, dict) for each in lines) else []


def _in_one_order(old: list[Any], new: list[Any], at: str) -> tuple[list[Any], list[Any]]:
    if at.endswith(RANKED):
        return _on_both_pages(old, new)
    if at == VERSIONS and all(isinstance(each, str) for each in (*old, *new)):
        return sorted(old), sorted(new)
    return old, new


def _may_be_better(old: Any, new: Any, at: str) -> bool:
    if at == FOUND:
        return isinstance(new, int) and new >= old
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    # A refusal may say more behind what clients know.
    return (at.endswith(SENTENCE) and bool(new)) or (
        at.endswith(("/message", TEXT)) and new.startswith(old.rstrip("\n"))
    )


def _has_as_many(old: list[Any], new: list[Any], at: str) -> bool:
    return len(old) == len(new) or (at.endswith(RANKED) and len(old) < len(new))


def _on_both_pages(old: list[Any], new: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return what both pages list, in one order."""
    before, now = ({_identity(each): each for each in page} for page in (old, new))
    both = sorted(before.keys() & now.keys())
    return [before[each] for each in both], [now[each] for each in both]


def _identity(listed: Any) -> str:
    return listed["URL"] if isinstance(listed, dict) else listed


SEARCHES = (
    "/packages/?q=",
    "/packages/?q=greet",
    "/packages/acme",
    "/search-packages?q=greet",
    "/tools/?q=",
    "/tools/hammer",
    "/search-suggestions?q=gr",
)
ABOUT_AN_ORGANIZATION = (
    "",
    "/members",
    "/invitations",
    "/tokens",
    "/publishers",
    "/audit",
    "/audit.jsonl",
)
ABOUT_ONESELF = ("tokens", "account/events", "whoami", "orgs")


def _resolves() -> Mapping[str, object]:
    """Return the bodies of what clients send to resolve everything, by where they send it."""
    names = sorted({each.partition(":")[0].partition("/")[2] for each in PACKAGES})
    every = [{"org": "acme", "name": each, "version": "", "mode": "soft"} for each in names]
    modules = [{"organization": "acme", "moduleName": each} for each in (*names, "greet.sub")]
    tools = [{"id": "hammer", "version": "", "mode": "soft"}]
    return {
        "/packages/resolve-dependencies": {"packages": every},
        "/packages/resolve-modules": {"modules": modules},
        "/tools/resolve-dependencies": {"tools": tools},
    }


def _shown_by_the_api() -> Iterator[tuple[str, str]]:
    """Yield who asks in their browser, and for which path."""
    for who in ("ann", "mia"):
        yield from ((who, f"/api/v1/orgs/acme{path}") for path in ABOUT_AN_ORGANIZATION)
    for who in ("ann", "kim", "admin"):
        yield from ((who, f"/api/v1/{path}") for path in ABOUT_ONESELF)
    yield "bob", "/api/v1/orgs/leaving"


# --- what is asked -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Asking:
    """All requests, by those who are known."""

    facts: Facts

    def reads(self) -> Iterator[Ask]:
        """Yield what only reads."""
        yield from self._packages()
        yield from self._lists()
        yield from self._pages()
        for name in self.facts.tokens:
            yield self.get("/api/v1/whoami", token=name, only_status=True)
        basic = base64.b64encode(f"ann:{self.facts.tokens['laptop']}".encode()).decode()
        yield Ask("GET", "/api/v1/whoami", {"Authorization": f"Basic {basic}"}, only_status=True)
        yield Ask("POST", f"{BASE}/packages", self.token("laptop"), "x", only_status=True)

    def changes(self) -> Iterator[Ask]:
        """Yield changes in their order: the first lets the registry take changes again."""
        form = {**self.cookie("admin"), "Content-Type": FORM}
        fields = urlencode({"csrf": self.facts.csrf["admin"]})
        yield Ask("POST", "/manage/read-only/off", form, fields, only_status=True)
        yield self.json("PUT", f"{BASE}/packages/undeprecate/acme/aged/*", {}, token="laptop")
        message = {"message": "Use 1.1.0."}
        yield self.json("PUT", f"{BASE}/packages/deprecate/acme/greet/1.0.0", message, token="ann")
        yield self.get(f"{BASE}/packages/acme/greet/1.0.0")
        new = {"name": "after", "scopes": ["read"]}
        yield self.json("POST", "/api/v1/tokens", new, token="ann", only_status=True)
        yield self.json("DELETE", "/api/v1/orgs/leaving/deletion", None, browser="bob")
        shown = {"visibility": "public"}
        visibility = "/api/v1/packages/acme/hidden/visibility"
        yield self.json("PUT", visibility, shown, browser="ann")
        yield self.get(f"{BASE}/packages/acme/hidden/1.0.0", Accept="application/octet-stream")
        for name in ("device", "approved device"):
            fields = {"grant_type": GRANT_TYPE, "device_code": self.facts.codes[name]}
            path = "/api/v1/device/token"
            kind = {"Content-Type": FORM}
            yield Ask("POST", path, kind, urlencode(fields), only_status=True)

    # --- parts ---------------------------------------------------------------------------------

    def _packages(self) -> Iterator[Ask]:
        for coordinate in (*PACKAGES, "other/one:1.0.0", "other/two:1.0.0"):
            package, _, version = coordinate.partition(":")
            name = package.partition("/")[2]
            for token in ("", "ann"):
                path = f"{BASE}/packages/{package}/{version}"
                yield self.get(path, token=token, Accept="application/octet-stream")
                yield self.get(path, token=token)
            yield self.get(f"{MAVEN}/{package}/{version}/{name}-{version}.pom", token="ann")
            yield self.get(f"{MAVEN}/{package}/{version}/{name}-{version}.bala", token="ann")
            yield self.get(f"/api/v1/packages/{package}/{version}/origin", token="ann")
        for package in sorted({each.partition(":")[0] for each in PACKAGES}):
            for token in ("", "ann"):
                yield self.get(f"{BASE}/packages/{package}", token=token)
                yield self.get(f"{BASE}/packages/{package}/*", token=token)
                yield self.get(f"/index/{package}/index.json", token=token)
                yield self.get(f"{MAVEN}/{package}/maven-metadata.xml", token=token)

    def _lists(self) -> Iterator[Ask]:
        for token in ("", "ann"):
            for path in SEARCHES:
                yield self.get(f"{BASE}{path}", token=token)
            for path, body in _resolves().items():
                yield self.json("POST", f"{BASE}{path}", body, token=token)
        for path in ("/index/config.json", "/index/changes?since=0"):
            yield self.get(path)
        yield self.get("/index/changes?since=0", token="ann")
        yield from (self.get(path, browser=who) for who, path in _shown_by_the_api())

    def _pages(self) -> Iterator[Ask]:
        org = "/account/organizations/acme"
        pages: Mapping[str, Mapping[str, tuple[str, ...]]] = {
            "ann": {
                "/account": ("ann",),
                "/account/tokens": ("laptop", "narrow", "203.0.113.0/24"),
                "/account/sessions": (),
                "/account/organizations": ("acme",),
                org: ("kim", "mia", "become owner", "Acme Corp"),
                f"{org}/packages": ("greet", "secret", "hidden", "aged"),
                f"{org}/packages/greet": ("0.9.0", "1.1.0", "Use 1.0.0."),
                f"{org}/tokens": ("nightly",),
                f"{org}/publishers": ("built", "planned", "release.yml"),
                f"{org}/settings": ("Acme Corp",),
                f"{org}/log": ("acme/greet",),
            },
            "kim": {"/account": ("kim",), "/account/identities": ("Company",)},
            "bob": {"/account/organizations": ("leaving", "Bobs"), "/orgs/other": ("one",)},
            "admin": {
                "/manage/accounts": ("kim", "sam"),
                f"/manage/accounts/{self.facts.ids['sam']}": ("Its laptop was lost.",),
                "/manage/releases": ("acme/waits", "acme/harms", "acme/gone"),
                "/manage/names": ("kept*", "For later."),
                "/manage/notices": ("Moving house.",),
                "/manage/organizations": ("acme", "leaving", "other"),
                "/manage/tasks": (),
            },
        }
        for who, paths in pages.items():
            for path, words in paths.items():
                yield self.page(path, words, browser=who)
        yield self.page("/packages/acme/greet", ("Greets <strong>people</strong>", "1.1.0"))
        yield self.page("/orgs/acme", ("Acme Corp", "Makes things.", "greet"))
        yield self.page("/search?q=greet", ("Greets people.",))
        yield self.page("/", ("Moving house.", "moving house until 22:00"))

    # --- requests ------------------------------------------------------------------------------

    def get(
        self,
        path: str,
        *,
        token: str = "",
        browser: str = "",
        only_status: bool = False,
        **more: str,
    ) -> Ask:
        headers = {**self._as(token, browser), **more}
        return Ask("GET", path, headers, only_status=only_status)

    def page(self, path: str, words: tuple[str, ...], *, browser: str = "") -> Ask:
        return Ask("GET", path, {**self._as("", browser), "Accept": "text/html"}, words=words)

    def json(
        self,
        method: str,
        path: str,
        body: object,
        *,
        token: str = "",
        browser: str = "",
        only_status: bool = False,
    ) -> Ask:
        headers = {"Content-Type": "application/json", **self._as(token, browser)}
        if browser:
            headers["X-CSRF-Token"] = self.facts.csrf[browser]
        content = "" if body is None else json.dumps(body)
        return Ask(method, path, headers, content, only_status=only_status)

    def _as(self, token: str, browser: str) -> dict[str, str]:
        return {**(self.token(token) if token else {}), **(self.cookie(browser) if browser else {})}

    def token(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.facts.tokens[name]}"}

    def cookie(self, name: str) -> dict[str, str]:
        return {"Cookie": self.facts.cookies[name]}
