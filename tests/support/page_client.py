"""A client for pages: it keeps its cookie and sends forms as the page has them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Self
from urllib.parse import urlencode

import httpx

from shared.auth.authentication import RequestClient
from shared.auth.browsers import SignInBrowser
from tests.support.world import URL, Person, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
TAKES_CODE = "data-link-code"
_STEP = re.compile(r'<button type="submit" name="(step)" value="([^"]*)">')


def step_of(page: httpx.Response) -> dict[str, str]:
    """Return what the button beside the field for a code sends."""
    return dict(_STEP.findall(page.text))


async def signed_in_cookies(world: World, person: Person, headers: Mapping[str, str]) -> list[str]:
    """Sign somebody in by a link, from a browser that sends these headers; return the cookies.

    It calls what the posted form of the link calls: the pages of links have their own tests.
    """
    identity = world.registry.identity
    client = RequestClient.of(headers, world.registry.settings.proxies)
    name, named = identity.browsers.name_or_create({})
    link = await identity.sign_in_links.create(person.account.id)
    browser = SignInBrowser(client.address, client.agent, name, known_browser_cookie="")
    code = link.reveal().partition("#")[2]
    cookies = await identity.sign_in_flow.finish_link(code, browser)
    return [each.reveal() for each in (named, *cookies)]


def keep_cookies(kept: dict[str, str], sent: Iterable[str]) -> None:
    """Keep cookies that `Set-Cookie` headers set, and drop those that they delete."""
    for cookie in sent:
        pair, *attributes = cookie.split("; ")
        name, _, value = pair.partition("=")
        if "max-age=0" in map(str.lower, attributes):
            kept.pop(name, None)
        else:
            kept[name] = value


@dataclass
class PageClient:
    """A browser of somebody, signed in or not; `address` is where its requests come from."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    address: str = "192.0.2.10"
    page: httpx.Response | None = field(default=None, init=False)

    @classmethod
    async def of(cls, world: World, person: Person, **more: str) -> Self:
        """Return a browser in which somebody has just signed in by a link, at their account."""
        browser = cls(world, {}, **more)
        sent = {"x-forwarded-for": f"{browser.address},127.0.0.1"}  # The host adds the peer.
        keep_cookies(browser.cookies, await signed_in_cookies(world, person, sent))
        await browser.open("/account")
        return browser

    @classmethod
    async def at(cls, world: World, person: Person, path: str) -> Self:
        """Return such a browser that has opened a page."""
        browser = await cls.of(world, person)
        await browser.open(path)
        return browser

    @property
    def text(self) -> str:
        """Return what the page shows, and its markup, with characters as they are."""
        assert self.page is not None
        return unescape(self.page.text)

    async def open(self, path: str) -> httpx.Response:
        """Open a page; that of a one-time link posts the code, as its script does."""
        page, _, code = path.partition("#")
        self.page = await self.world.get(URL + page, headers=self._headers())
        keep_cookies(self.cookies, self.page.headers.get_list("set-cookie"))
        if code and TAKES_CODE in self.page.text:
            return await self.send(page, code=code, **step_of(self.page))
        return self.page

    async def send(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form of the page that is open, with its hidden proof, and the code of a link."""
        page, _, code = path.partition("#")
        found = _CSRF.search(self.page.text) if self.page else None
        sent = {"code": code, **fields} if code else fields
        return await self.send_raw(page, csrf=found[1] if found else "", **sent)

    async def send_raw(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form with these fields alone, and follow where it leads."""
        body = urlencode(fields, doseq=True).encode()
        headers = {**self._headers(), **FORM}
        answer = await self.world.send("POST", URL + path, headers=headers, content=body)
        self.page = answer
        keep_cookies(self.cookies, answer.headers.get_list("set-cookie"))
        if answer.status_code == 303:
            await self.open(answer.headers["location"])
        return answer

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies, "X-Forwarded-For": self.address}
