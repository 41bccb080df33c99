"""GET /feeds/…: releases, deprecations and withdrawals as Atom feeds (RFC 4287).

A feed has what its reader may see. Programs that read feeds send a token as the password of HTTP
Basic, and some do so only after a challenge. So a program that sends no credentials is challenged
by each feed that is not found, whether there is such a package or not. A browser, which would ask
its user for a password, gets a 404 with the same sentence. Where only signed-in people read, it
gets a 401 with a challenge for which browsers show no dialog.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from html import escape
from uuid import UUID, uuid5

from functions.html.event_sentences import CHANGE_PHRASES
from functions.html.pages import HTML
from functions.http.addresses import package_path, release_path
from functions.http.calls import Call
from functions.http.plain_text import PlainTextFace
from functions.http.representations import Representation, conditional_answer
from shared.domain.change_feed import EVERY_VERSION
from shared.domain.coordinates import Package
from shared.domain.documents import xml_document, xml_element, xml_leaf
from shared.domain.errors.base import InvalidName, NotFound, Refusal, RefusalKind, Unauthenticated
from shared.domain.errors.identity import SignInToRead
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.names import parse_org
from shared.domain.times import utc_text
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED
from shared.runtime.answers import Answer
from shared.services.packages.feeds import FeedEntry

ATOM = "application/atom+xml"
# How types of feeds are named in `Accept`. Browsers send application/xml, but not text/xml.
_FEED_TYPES = ("atom", "rss", "rdf", "feed", "text/xml")

# Ids follow from numbers and events, and never from an address, which may change.
_IDS = UUID("6c1d7b0e-6e0d-4d0e-9f0c-0d7a5f1b2a4c")
_NEVER_MS = 0  # When an empty feed changed: Atom requires a time.


class FeedFace(PlainTextFace):
    """Feeds: what is not found may be there for who sends credentials."""

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        if refusal.kind is RefusalKind.NOT_FOUND and call.caller.is_anonymous:
            what = str(refusal).removesuffix(".")  # Some refusals are no sentence.
            challenge = Unauthenticated(
                "feed-not-found",
                f"{what}. If it is private, send an access token as the password.",
            )
            is_browser = _is_browser(call)
            refusal = NotFound(challenge.code, str(challenge)) if is_browser else challenge
        answer = super().refused(call, refusal)
        if isinstance(refusal, SignInToRead) and _is_browser(call):
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def _is_browser(call: Call) -> bool:
    """Check whether the client accepts pages but no feeds. Some programs that read feeds accept
    pages too; browsers name no type of feeds."""
    accepted = call.header("accept").lower()
    return HTML in accepted and not any(each in accepted for each in _FEED_TYPES)


face = FeedFace()
FACES = (face,)
_SUFFIX = ".atom"
_REGISTRY = "registry"  # Used instead of an organization; no organization may have this name.


@face.read("feeds/{file}", uses_answer_cache=True)
async def web_feed(call: Call) -> Answer:
    """Answer with the feed of the registry, or of an organization."""
    stem = _stem(call)
    feeds = call.registry.packages.feeds
    if stem == _REGISTRY:
        entries = await feeds.of_registry(by=call.caller)
        return _answer(call, entries, "Packages of this registry", "/")
    with _names_of_no_feed(call):
        org = parse_org(stem)
    organizations = call.registry.organizations.organizations
    name = (await organizations.show(org, by=call.caller)).name
    entries = await feeds.of_organization(org, by=call.caller)
    return _answer(call, entries, f"Packages of {name}", f"/orgs/{name}")


@face.read("feeds/{org}/{file}", uses_answer_cache=True)
async def web_feed_package(call: Call) -> Answer:
    with _names_of_no_feed(call):
        package = Package.parse(call.route_params["org"], _stem(call))
    entries = await call.registry.packages.feeds.of_package(package, by=call.caller)
    return _answer(call, entries, f"Changes of {package}", package_path(package))


def _stem(call: Call) -> str:
    """Return what the path names, without the suffix of feeds, or raise `PageNotFound`."""
    file = call.route_params["file"]
    if not file.endswith(_SUFFIX):
        raise PageNotFound(call.path)
    return file.removesuffix(_SUFFIX)


@contextmanager
def _names_of_no_feed(call: Call) -> Generator[None]:
    try:
        yield
    except InvalidName:
        raise PageNotFound(call.path) from None


def _answer(call: Call, entries: Sequence[FeedEntry], title: str, page: str) -> Answer:
    """Answer with a feed about what a page of the registry shows."""
    base_url = call.registry.settings.base_url
    changed_ms = max((each.change.at_ms for each in entries), default=_NEVER_MS)
    content = (
        xml_leaf("title", title),
        xml_leaf("id", f"urn:ballroom:feed:{call.path.removeprefix('/feeds/')}"),
        xml_leaf("updated", utc_text(changed_ms)),
        _link(base_url + call.path, "self"),
        _link(base_url + page, "alternate"),
        xml_leaf("generator", "Ballroom"),
        *(_entry(each, base_url) for each in entries),
    )
    feed = xml_element("feed", *content, scope='xmlns="http://www.w3.org/2005/Atom"')
    is_public = call.caller.is_anonymous
    document = Representation(xml_document(feed), ATOM, is_public, ALL_THAT_IS_STORED)
    return conditional_answer(call, document)


def _entry(entry: FeedEntry, base_url: str) -> str:
    change = entry.change
    package = entry.change.package
    is_whole = change.version == EVERY_VERSION
    subject = str(package) if is_whole else f"{package} {change.version}"
    path = package_path(package) if is_whole else release_path(package, change.version)
    title = f"{subject} {CHANGE_PHRASES[change.change]}"
    summary = f"{title}: {entry.message}" if entry.message else f"{title}."
    id_ = uuid5(_IDS, f"{change.number} {entry.event}")
    return xml_element(
        "entry",
        xml_leaf("title", title),
        xml_leaf("id", f"urn:uuid:{id_}"),
        xml_leaf("published", utc_text(change.at_ms)),
        xml_leaf("updated", utc_text(change.at_ms)),
        xml_element("author", xml_leaf("name", package.org)),
        _link(base_url + path, "alternate"),
        xml_leaf("summary", summary),
    )


def _link(url: str, relation: str) -> str:
    return f'<link rel="{relation}" href="{escape(url)}"/>'
