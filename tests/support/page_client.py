"""A client for pages: it keeps its cookie and sends forms as the page has them."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Self
from urllib.parse import urlencode

import httpx

from tests.support.world import URL, Person, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
TAKES_CODE = "data-link-code"
_STEP = re.compile(r'<button type="submit" name="(step)" value="([^"]*)">')


def step_of(page: httpx.Response) -> dict[str, str]:
    """Return what the button beside the field for a code sends."""
    return dict(_STEP.findall(page.text))


@dataclass
class PageClient:
    """A browser of somebody, signed in or not; `address` is where its requests come from."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    address: str = "192.0.2.10"
    page: httpx.Response | None = field(default=None, init=False)

    @classmethod
    async def of(cls, world: World, person: Person, **more: str) -> Self:
        """Return a browser in which somebody has just signed in by a link."""
        browser = cls(world, {}, **more)
        link = await world.registry.identity.sign_in_links.create(person.account.id)
        path = link.reveal().removeprefix(world.registry.settings.base_url)
        await browser.open(path)
        await browser.send(path)
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
        self._keep(self.page)
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
        self._keep(answer)
        if answer.status_code == 303:
            await self.open(answer.headers["location"])
        return answer

    def _headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies, "X-Forwarded-For": self.address}

    def _keep(self, answer: httpx.Response) -> None:
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
