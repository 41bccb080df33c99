"""Row 29, secrets told by the length of a compressed answer (BREACH, 2013): whoever makes a browser
ask for a page and sees its length learns no secret, because no answer that may contain one is
compressed."""

import httpx
import pytest

from tests.security.routes import readable, with_packages
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, World

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
async def full(world: World) -> World:
    """Return a registry with a private and a public package."""
    return await with_packages(world)


def compressed(answer: httpx.Response) -> bool:
    return "content-encoding" in answer.headers


async def test_no_answer_with_a_secret_beside_typed_text_is_compressed(full: World) -> None:
    browser = await signed_in(full, full.people.ann)
    csrf = browser.csrf
    assert csrf
    with_secret = [f"{URL}/search?q={'csrf' * 100}", f"{URL}/account/tokens", URL + "/"]
    for url in with_secret:
        page = await browser.send("GET", url, headers=GZIP)
        assert csrf in page.text, url
        assert not compressed(page), url


@pytest.mark.parametrize("who", ["nobody", "session", "token"])
async def test_only_what_every_cache_may_keep_is_compressed(full: World, who: str) -> None:
    browser = await signed_in(full, full.people.ann) if who == "session" else Browser(full)
    by = full.people.ann if who == "token" else None
    seen = 0
    for url in sorted({*readable(full.registry), f"{URL}/search?q=csrf"}):
        if url.endswith(("/index.json", "/index.txt")):
            continue  # It holds nothing of its request, and is compressed for members, too.
        headers = {**GZIP, "Cookie": "; ".join(f"{n}={v}" for n, v in browser.cookies.items())}
        answer = await full.get(url, by=by, headers=headers if browser.cookies else GZIP)
        caching = answer.headers.get("cache-control", "")
        is_shared = bool(caching) and not {"no-store", "private"} & set(caching.split(", "))
        assert not compressed(answer) or (is_shared and "set-cookie" not in answer.headers), url
        seen += compressed(answer)
    assert seen
