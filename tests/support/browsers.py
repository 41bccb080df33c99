"""Browsers: they keep cookies, follow redirects of the registry, and send the forms of its
pages.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from shared.auth.authentication import RequestClient
from shared.auth.browsers import SignInBrowser
from tests.fakes.identity_provider import FakeInternet, Issuer
from tests.support.page_forms import form_to_send, forms_of
from tests.support.world import URL, Person, World

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_HIDDEN = re.compile(r'<input type="hidden" name="([\w-]+)" value="([^"]*)">')


@dataclass
class Browser:
    """A browser of somebody, signed in or not; `page` is what it shows, at first no answer."""

    world: World
    issuer: Issuer | None = None  # Where its user signs in, if that is not by a link.
    agent: str = AGENT
    address: str = "192.0.2.10"  # Where its requests come from.
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    page: httpx.Response = field(
        default_factory=lambda: httpx.Response(599, request=httpx.Request("GET", URL))
    )

    async def open(self, path: str, **headers: str) -> httpx.Response:
        """Open a page, and follow where it leads; that of a one-time link posts the code, as its
        script does."""
        page = await self.follow(await self.send("GET", path, headers=headers))
        if code := urlsplit(path).fragment:
            for form in forms_of(page.text, str(page.url)):
                if form.link_code:
                    sent = form.sent_by(form.buttons[0], {form.link_code: code})
                    await self._post(sent.action, sent.fields)
        return self.page

    async def choose(self, path: str, kind: str) -> httpx.Response:
        """Open a page that offers ways to sign in, and follow one."""
        page = await self.open(path)
        [offer] = re.findall(rf'href="(/sign-in/{kind}\?[^"]*)"', page.text)
        return await self.open(unescape(offer))

    async def submit(
        self, action: str, button: str = "", /, **typed: str | list[str]
    ) -> httpx.Response:
        """Fill in the form of the page that is sent to this address, press its button, and show
        where that leads; return the answer to the form itself.

        The form is sent as a browser sends it: with its hidden fields, and with what the page has
        in fields that nobody changes. What a field accepts (`required`, `maxlength`, `readonly`) is
        not looked at: a registry does not rely on it. The start of a button's text, and the values
        of hidden fields and of buttons, select among several forms of one address.
        """
        forms = forms_of(self.page.text, str(self.page.url))
        form = form_to_send(forms, urljoin(URL, action), button, typed)
        return await self._post(form.action, form.fields)

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send these fields and the proof of the session, whatever form the page has, as a program
        can; show where that leads, and return the answer."""
        return await self._post(path, {"csrf": self.csrf, **fields})

    async def _post(self, address: str, fields: Mapping[str, str | list[str]]) -> httpx.Response:
        body = urlencode(fields, doseq=True).encode()
        answer = await self.send("POST", address, headers=FORM, content=body)
        await self.follow(answer)
        return answer

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
        sent = {"User-Agent": self.agent, "X-Forwarded-For": self.address}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.world.send(
            method, urljoin(URL, path), headers={**sent, **(headers or {})}, content=content
        )
        self.keep_cookies(answer.headers.get_list("set-cookie"))
        return answer

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Show an answer, or the page to which it leads."""
        while answer.is_redirect:
            target = answer.headers["location"]
            if urlsplit(target).netloc not in ("", urlsplit(URL).netloc):
                answer = await self._through_issuer(target)
            else:
                answer = await self.send("GET", target)
        self.page = answer
        return answer

    def keep_cookies(self, sent: Iterable[str]) -> None:
        """Keep cookies that `Set-Cookie` headers set, and drop those that they delete."""
        for cookie in sent:
            pair, *attributes = cookie.split("; ")
            name, _, value = pair.partition("=")
            if "max-age=0" in map(str.lower, attributes):
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    @property
    def text(self) -> str:
        """Return what the page shows, and its markup, with characters as they are."""
        return unescape(self.page.text)

    @property
    def csrf(self) -> str:
        """Return what forms of this session hold."""
        return dict(_HIDDEN.findall(self.page.text)).get("csrf", "")

    @property
    def session(self) -> str:
        """Return the cookie of the session, or an empty text."""
        return self.cookies.get("__Host-ballroom", "")

    def copy(self) -> "Browser":
        """Return a browser with the same cookies, as a thief has it."""
        return replace(self, cookies=dict(self.cookies))

    async def _through_issuer(self, target: str) -> httpx.Response:
        assert self.issuer is not None, f"nobody is at {target}"
        answer = await FakeInternet([self.issuer]).browse(target)
        if answer.is_redirect:
            return await self.send("GET", answer.headers["location"])
        # The provider's page sends its form by itself.
        [action] = re.findall(r'action="([^"]*)"', answer.text)
        fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)">', answer.text))
        return await self.send("POST", action, headers=FORM, content=urlencode(fields).encode())


async def signed_in(
    world: World, person: Person, path: str = "/account", **options: Any
) -> Browser:
    """Return a browser in which the person has just signed in by a link, and which shows a page.

    It calls what the posted form of the link calls: the pages of links have their own tests.
    """
    browser = Browser(world, **options)
    identity = world.registry.identity
    # The host adds the address of the peer.
    headers = {"x-forwarded-for": f"{browser.address},127.0.0.1", "user-agent": browser.agent}
    client = RequestClient.of(headers, world.registry.settings.proxies)
    name, named = identity.browsers.name_or_create({})
    link = await identity.sign_in_links.create(person.account.id)
    code = link.reveal().partition("#")[2]
    cookies = await identity.sign_in_flow.finish_link(
        code, SignInBrowser(client.address, client.agent, name, known_browser_cookie="")
    )
    browser.keep_cookies(each.reveal() for each in (named, *cookies))
    await browser.open("/account")
    assert browser.page.status_code == 200, browser.page.text
    if path != "/account":
        await browser.open(path)
    return browser
