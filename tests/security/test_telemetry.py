"""Sentry, CircleCI and others: secrets that services told of themselves, to whoever reads logs.

Everything that tells of requests (log lines, spans, metrics) is searched for every secret that was
sent or received: tokens, cookies, codes, proofs of forms, signatures of links, e-mail addresses.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest

from functions.http.operations import READ_METHODS, WRITE_METHODS
from shared.telemetry.log import configure, log
from shared.telemetry.metrics import INSTRUMENTS, PUSHES, REQUESTS, STORE_CALLS
from tests.fakes.identity_provider import CLIENT_SECRET
from tests.security.limits import UNREACHED_LIMITS
from tests.security.routes import addresses_with, routes
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.device_login import ask, poll
from tests.support.sign_in import open_sign_in
from tests.support.telemetry import (
    CollectedMetrics,
    Traced,
    attributes_of,
    collect_metrics,
    tracing,
)
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.slow

# Planted in requests to every route: what each is, and a text that is nothing else.
PLANTED = {
    "token": "blr_local_plantedplantedplantedtoken0123456789",
    "cookie": "planted-cookie-0123456789",
    "csrf": "planted-csrf-0123456789",
    "code": "planted-code-0123456789",
    "signature": "planted-signature-0123456789",
    "email": "planted.person@planted.example",
    "password": "planted-password-0123456789",
}

# Fields of queries and forms whose values are secret.
SECRET_FIELDS = {"code", "state", "nonce", "signature", "sig", "csrf", "device_code", "user_code"}
SHORT = 8  # Texts below are found everywhere: "1", "ok".

# Names of Functions, stores, operations and refusals.
WORD_OF_THE_CODE = re.compile(r"[A-Za-z][a-z_-]*(?:[A-Z][a-z]+)*")

METHODS = {*READ_METHODS, *WRITE_METHODS}  # Of routes; the host calls no Function for others.

# Parameters of queries with a secret: of signed links, and of what an identity provider answers.
SECRET_QUERIES = ("/archives/", "/sign-in/callback/")

_CODE_OF_LINK = re.compile(r"#(\w{32})\b")
_HIDDEN = re.compile(r'name="(?:csrf|state|code)" value="([^"]{8,})"')
_TOKEN = re.compile(r"\bblr_\w{20,}")
_EMAIL = re.compile(r"[\w.]+@[\w.]+\.\w+")


@dataclass
class Secrets:
    """Gathers every secret that goes to a registry or comes from it."""

    found: set[str] = field(default_factory=set[str])
    codes: set[str] = field(default_factory=set[str])  # Of one-time links.
    addresses: list[str] = field(default_factory=list[str])  # As hosts and proxies log them.

    async def note_request(self, request: httpx.Request) -> None:
        self.addresses.append(_logged_address(request.url))
        self._take(*request.headers.get("authorization", "").split()[1:])
        cookies = request.headers.get("cookie", "").split("; ")
        self._take(*(each.partition("=")[2] for each in cookies))
        self._take(request.headers.get("x-csrf-token", ""))
        self._take_query(str(request.url))
        body = request.content.decode("latin-1")
        self._take(*(value for name, value in parse_qsl(body) if name in SECRET_FIELDS))

    async def note_answer(self, answer: httpx.Response) -> None:
        for cookie in answer.headers.get_list("set-cookie"):
            self._take(cookie.partition(";")[0].partition("=")[2])
        self._take_query(answer.headers.get("location", ""))
        if "text" in answer.headers.get("content-type", "") or "json" in str(answer.headers):
            await answer.aread()
            self._take(*_HIDDEN.findall(answer.text), *_TOKEN.findall(answer.text))
            self.note_links(answer.text)

    def note_links(self, text: str) -> None:
        self.codes.update(_CODE_OF_LINK.findall(text))
        self._take(*self.codes)

    def _take_query(self, address: str) -> None:
        parts = urlsplit(address)
        self._take(*(value for name, value in parse_qsl(parts.query) if name in SECRET_FIELDS))

    def _take(self, *values: str) -> None:
        self.found.update(each for each in values if len(each) >= SHORT)

    def in_(self, text: str) -> set[str]:
        """Return the secrets that a text holds, as they are or as addresses write them."""
        plain = unquote(text)
        return {each for each in self.found if each in text or each in plain}


def _logged_address(url: httpx.URL) -> str:
    """Return the address as logs of requests have it, without queries that hold a secret."""
    has_secrets = url.path.startswith(SECRET_QUERIES)
    return url.raw_path.decode().partition("?")[0] if has_secrets else url.raw_path.decode()


@dataclass
class Told:
    """All that tells of requests: what was logged, the metrics, and the spans."""

    metrics: CollectedMetrics
    traced: Traced
    capfd: pytest.CaptureFixture[str]
    lines: str = ""

    def text(self) -> str:
        configure("warning")  # Writes what waits, and is as quiet as in other tests.
        log.error("end")
        said = self.capfd.readouterr()
        self.lines += said.out + said.err
        return self.lines + self.metrics.text() + self.traced.text()


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """Return everything that is told until the test ends."""
    with collect_metrics() as metrics, tracing() as traced:
        yield Told(metrics, traced, capfd)


def watched(world: World) -> Secrets:
    """Return what gathers the secrets of a registry from now on."""
    secrets = Secrets(set(PLANTED.values()))
    world.http.event_hooks = {"request": [secrets.note_request], "response": [secrets.note_answer]}
    return secrets


async def packages(world: World) -> None:
    """Push, look, pull by signed links, search and withdraw."""
    ann = world.people.ann
    http = world.http
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    for name in ("greet", "secret"):
        for path in (f"/packages/acme/{name}/1.0.0", f"/packages/acme/{name}"):
            await world.get(path, by=ann)
        hop = await world.get(
            f"/packages/acme/{name}/1.0.0", by=ann, headers={"Accept": "application/octet-stream"}
        )
        assert hop.status_code == 302
        assert (await http.get(hop.headers["location"])).status_code == 200
    await world.get("/search-packages?q=greet", by=ann)
    await world.java(ann).deprecate("acme/greet:1.0.0", "old")


async def people(world: World, browser: Browser) -> None:
    """Invite somebody by mail, make a token on a page, and let a machine sign in."""
    url = f"{URL}/api/v1/orgs/acme/invitations"
    body = json.dumps({"role": "member", "email": PLANTED["email"]}).encode()
    answer = await world.send("POST", url, by=world.people.ann, content=body)
    assert answer.status_code == 201, answer.text
    await browser.open("/account/sessions")
    await browser.open("/account/tokens")
    await browser.submit("/account/tokens", name="laptop", scope="read", org="*", package="*")
    codes = await ask(world)
    assert (await poll(world, codes)).status_code == 400
    await browser.open("/device")
    await browser.submit("/device", code=codes["user_code"])


async def sign_in_link(world: World, person: Person) -> str:
    """Return the path of a new link that signs somebody in."""
    link = await world.registry.identity.sign_in_links.create(person.account.id)
    return link.reveal().removeprefix(URL)


async def signed_in_by_pages(world: World, person: Person) -> Browser:
    """Sign somebody in on the pages of a link, whose addresses are looked at, too."""
    browser = Browser(world)
    path = await sign_in_link(world, person)
    await browser.open(path)
    await browser.submit(path)
    return browser


async def links(world: World) -> None:
    """Make one-time links of every kind on pages, by mail and by the API, and follow them."""
    admin = world.people.admin
    ann = world.people.ann
    browser = await signed_in_by_pages(world, admin)
    await browser.open("/manage/accounts")
    await browser.submit("/manage/accounts", name="zoe")
    [to_sign_in] = re.findall(rf'value="{URL}(/sign-in/link#\w+)"', browser.text)
    await browser.open("/manage/accounts")
    await browser.submit("/manage/accounts", name="yan", email="yan@example.org")
    owner = await signed_in_by_pages(world, ann)
    await owner.open("/account/organizations/acme")
    invite = "/account/organizations/acme/invite"
    await owner.submit(invite, role="member", email="", label="for zoe")
    [to_join] = re.findall(rf'value="{URL}(/account/invitations#\w+)"', owner.text)
    await owner.submit(invite, role="member", email="bob@example.org", label="")
    body = json.dumps({"role": "member", "label": "for mia"}).encode()
    url = f"{URL}/api/v1/orgs/acme/invitations"
    assert (await world.send("POST", url, by=ann, content=body)).status_code == 201
    zoe = Browser(world)
    assert (await zoe.open(to_join)).status_code == 401
    await zoe.open(to_sign_in)
    await zoe.submit(to_sign_in)
    assert "Join acme?" in zoe.text
    await zoe.submit(to_join, decision="accept")
    assert "Invitation accepted." in zoe.text


async def planted(world: World) -> None:
    """Send the planted secrets to every route, where secrets are sent."""
    fields = {**PLANTED, "state": PLANTED["code"], "next": PLANTED["email"], "q": PLANTED["token"]}
    form = "&".join(f"{name}={value}" for name, value in fields.items())
    headers = {
        "Authorization": f"Bearer {PLANTED['token']}",
        "Cookie": f"__Host-ballroom={PLANTED['cookie']}",
        "X-CSRF-Token": PLANTED["csrf"],
        "User-Agent": PLANTED["email"],
        "Traceparent": PLANTED["token"],
        "X-Request-Id": PLANTED["cookie"],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    for method, url in sorted(set(routes(world.registry))):
        await world.http.request(method, url, headers=headers, content=form)
        await world.http.request(method, url, params=fields)
        for address in addresses_with(PLANTED["email"], url):
            await world.http.request(method, address)


async def test_no_secret_is_in_telemetry(worlds: OpenWorld, shown: Told) -> None:
    """Metrics and spans have no text of a request at all: all their words are of the code."""
    settings: dict[str, Any] = {"log_level": "debug", **UNREACHED_LIMITS}
    sign_ins = await open_sign_in(worlds, **settings)
    world = sign_ins.world
    secrets = watched(world)
    secrets.found |= {CLIENT_SECRET, sign_ins.issuer.person.email}
    for kind in ("oidc", "entra", "github"):
        await sign_ins.signed_in(kind)
    await packages(world)
    await people(world, await signed_in(world, world.people.ann))
    await planted(world)
    for task in world.registry.maintenance.task_runner.tasks:
        await world.registry.maintenance.task_runner.run(task)
    text = shown.text()
    assert secrets.in_(text) == set()
    assert set(_EMAIL.findall(unquote(text))) == set()
    told = words(shown.metrics) | words_of_spans(shown.traced)
    assert [each for each in told if not WORD_OF_THE_CODE.fullmatch(each)] == []
    assert "secret" not in shown.traced.text()  # The name of a private package.
    # It was a test of something: a lot was sent, and a lot was told.
    assert len(secrets.found) > 30
    assert shown.lines.count('"event":"request"') > 500
    assert {point["state"] for point in shown.metrics.points(PUSHES)} == {"live"}
    assert len({point["operation"] for point in shown.metrics.points(REQUESTS)}) > 100
    assert len({each.name for each in shown.traced.spans}) > 100
    assert {"metadata", "directory", "events"} <= {
        point["store"] for point in shown.metrics.points(STORE_CALLS)
    }


async def test_no_secret_is_in_an_address_that_hosts_log(worlds: OpenWorld, shown: Told) -> None:
    """Whoever reads the log of requests would sign in as somebody else.

    Logs of hosts and proxies have the path of every request, and most have its query.
    """
    settings: dict[str, Any] = {"log_level": "debug", **UNREACHED_LIMITS}
    sign_ins = await open_sign_in(worlds, **settings)
    world = sign_ins.world
    secrets = watched(world)
    await sign_ins.signed_in("oidc")
    await packages(world)
    browser = Browser(world)
    link = await sign_in_link(world, world.people.ann)
    await browser.open(link)
    await browser.submit(link)
    await people(world, browser)
    await links(world)
    for mail in world.mailer.sent:
        secrets.note_links(mail.text)
    assert len(secrets.codes) >= 6
    assert secrets.in_("\n".join(secrets.addresses)) == set()
    assert secrets.in_(shown.text()) == set()
    assert len(secrets.addresses) > 50


def words(metrics: CollectedMetrics) -> set[str]:
    """Return the values of the attributes of metrics: there are many of them."""
    attributes = {each.name: each.attributes for each in INSTRUMENTS}
    named = {
        value
        for metric in metrics.metrics()
        for point in metric["data"]["data_points"]
        for name, value in point["attributes"].items()
        if name in attributes.get(metric["name"], ()) and name != "status"
    }
    assert len(named) > 100
    return named


def words_of_spans(traced: Traced) -> set[str]:
    """Return the names and the texts of spans, but for the ids and the methods of requests."""
    texts = {
        value
        for span in traced.spans
        for name, value in attributes_of(span).items()
        if isinstance(value, str) and value not in METHODS and name != "request_id"
    }
    names = {word for span in traced.spans for word in span.name.split(".")}
    return texts | names
