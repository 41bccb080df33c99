"""Browsers: they keep cookies, follow redirects of the registry, and send the forms of its
pages.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from tests.fakes.identity_provider import FakeInternet, Issuer
from tests.support.page_client import TAKES_CODE, keep_cookies, signed_in_cookies, step_of
from tests.support.world import URL, Person, World

_INPUT = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


@dataclass
class Browser:
    """One browser with its cookies; `page` is what it shows."""

    world: World
    issuer: Issuer | None = None
    agent: str = AGENT
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    page: httpx.Response = field(default_factory=lambda: httpx.Response(200))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page, and follow where it leads; that of a one-time link posts the code, as its
        script does."""
        page = await self._followed(await self.send("GET", path, headers=headers))
        code = urlsplit(path).fragment
        if code and TAKES_CODE in page.text:
            return await self.post(path, code=code, **step_of(page))
        return page

    async def choose(self, path: str, kind: str) -> httpx.Response:
        """Open a page that offers ways to sign in, and follow one."""
        page = await self.get(path)
        [offer] = re.findall(rf'href="(/sign-in/{kind}\?[^"]*)"', page.text)
        return await self.get(unescape(offer))

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send the form of the page that is shown, with what is typed in, and follow."""
        body = urlencode({**self.hidden, **fields}).encode()
        return await self._followed(await self.send("POST", path, headers=_FORM, content=body))

    async def api(
        self, method: str, path: str, json: object = None, *, csrf: str | None = None
    ) -> httpx.Response:
        """Call the API as a script of our pages would."""
        token = self.csrf if csrf is None else csrf
        request = httpx.Request(method, URL + path, json=json) if json is not None else None
        content = request.content if request else None
        headers = {"X-CSRF-Token": token} if token else {}
        return await self.send(method, path, headers=headers, content=content)

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request with the cookies, and keep those that come back."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"User-Agent": self.agent, **({"Cookie": cookies} if cookies else {})}
        answer = await self.world.send(
            method, urljoin(URL, path), headers={**sent, **(headers or {})}, content=content
        )
        keep_cookies(self.cookies, answer.headers.get_list("set-cookie"))
        return answer

    @property
    def hidden(self) -> dict[str, str]:
        """Return the hidden fields of the page that is shown."""
        return {name: unescape(value) for name, value in _INPUT.findall(self.page.text)}

    @property
    def csrf(self) -> str:
        """Return what forms of this session hold."""
        return self.hidden.get("csrf", "")

    @property
    def session(self) -> str:
        """Return the cookie of the session, or an empty text."""
        return self.cookies.get("__Host-ballroom", "")

    def copy(self) -> "Browser":
        """Return a browser with the same cookies, as a thief has it."""
        return Browser(self.world, self.issuer, self.agent, dict(self.cookies), self.page)

    async def _followed(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect:
            target = answer.headers["location"]
            if urlsplit(target).netloc not in ("", urlsplit(URL).netloc):
                answer = await self._through_issuer(target)
            else:
                answer = await self.send("GET", target)
        self.page = answer
        return answer

    async def _through_issuer(self, target: str) -> httpx.Response:
        assert self.issuer is not None, f"nobody is at {target}"
        answer = await FakeInternet([self.issuer]).browse(target)
        if answer.is_redirect:
            return await self.send("GET", answer.headers["location"])
        # The provider's page sends its form by itself.
        [action] = re.findall(r'action="([^"]*)"', answer.text)
        fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)">', answer.text))
        return await self.send("POST", action, headers=_FORM, content=urlencode(fields).encode())


async def signed_in(world: World, person: Person, **options: Any) -> Browser:
    """Return a browser in which the person has just signed in by a link; it shows their account."""
    browser = Browser(world, **options)
    headers = {"x-forwarded-for": "127.0.0.1", "user-agent": browser.agent}
    keep_cookies(browser.cookies, await signed_in_cookies(world, person, headers))
    await browser.get("/account")
    assert browser.page.status_code == 200, browser.page.text
    return browser
