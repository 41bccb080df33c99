"""/account: the first page of an account, and links to it."""

import re
from urllib.parse import urlsplit

from shared.domain.client_settings import client_settings
from shared.domain.principals import OPERATOR
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import PortOutage
from tests.support.world import URL, OpenWorld, Person, World

ACCOUNT = f"{URL}/account"


async def link_of(world: World, person: Person) -> str:
    """Return a new sign-in link."""
    return (await world.registry.identity.sign_in_links.create(person.account.id)).reveal()


async def test_a_link_signs_in_and_leads_to_the_account(world: World) -> None:
    browser = Browser(world)
    link = await link_of(world, world.people.ann)
    for _ in range(3):  # A program that checks links, and runs scripts, does not use it up.
        assert (await Browser(world).open(link)).status_code == 200
    shown = await browser.open(link)
    assert (shown.status_code, browser.session) == (200, "")
    assert "sign in as <strong>ann</strong>. This link works once" in shown.text
    await browser.submit(link)
    page = browser.page
    assert page.status_code == 200
    assert "Signed in as <strong>ann</strong>." in page.text
    assert "acme: owner" in page.text


async def test_the_page_of_a_link_has_a_field_for_people_without_scripts(world: World) -> None:
    link = await link_of(world, world.people.ann)
    browser = Browser(world)
    address, _, code = link.partition("#")
    assert address == f"{URL}/sign-in/link"
    for typed in (code, link):
        assert (await browser.open(address)).status_code == 200
        shown = await browser.submit(address, code=typed)
        assert "sign in as <strong>ann</strong>" in shown.text
    await browser.submit(address)
    assert "Signed in as <strong>ann</strong>." in browser.page.text


async def test_a_refused_code_is_asked_for_again(world: World) -> None:
    browser = Browser(world)
    for fields in ({"step": "show"}, {}):
        await browser.open("/sign-in/link")
        refused = await browser.submit("/sign-in/link", code="guess", **fields)
        assert refused.status_code == 401
        assert 'aria-invalid="true"' in refused.text
        assert "guess" not in refused.text


async def test_a_link_can_be_used_once(world: World) -> None:
    link = await link_of(world, world.people.ann)
    first = Browser(world)
    second = Browser(world)
    await first.open(link)
    await second.open(link)
    await first.submit(link)
    refused = await second.submit(link)
    assert refused.status_code == 401
    assert "was used or has expired" in refused.text
    assert second.session == ""
    assert (await second.open(link)).status_code == 401


async def test_a_link_whose_sign_in_a_store_stopped_signs_in_at_the_next_attempt(
    worlds: OpenWorld,
) -> None:
    outage = PortOutage({"directory": ("add",)})
    world = await worlds(wrap=outage.wrap)
    link = await link_of(world, world.people.ann)
    browser = Browser(world)
    await browser.open(link)
    outage.lasts = True
    assert (await browser.submit(link)).status_code == 503
    outage.lasts = False
    await browser.open(link)
    await browser.submit(link)
    assert "Signed in as <strong>ann</strong>." in browser.page.text
    assert (await Browser(world).open(link)).status_code == 401


async def test_nobody_is_signed_in_by_a_form_of_somebody_elses_page(world: World) -> None:
    # Who lets others act in an account of theirs sees what they do.
    link = await link_of(world, world.people.bob)
    mine = Browser(world)
    theirs = Browser(world)
    await mine.open(link)
    await theirs.open(await link_of(world, world.people.ann))
    theirs.page = mine.page
    refused = await theirs.submit(link)
    assert (refused.status_code, theirs.session) == (400, "")
    code = link.partition("#")[2]
    assert (await Browser(world).post("/sign-in/link", code=code)).status_code == 400
    await mine.submit(link)
    assert mine.page.status_code == 200


async def test_the_page_shows_what_to_do_next_at_the_address_of_the_registry(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    page = await browser.open("/account", Host="evil.example")
    assert f"curl -fsS {URL}/login.py | python3 -" in page.text
    assert "bal push --repository=ballroom" in page.text
    assert "evil.example" not in page.text


async def test_anonymous_readers_read_how_to_sign_in(world: World) -> None:
    page = await world.get(ACCOUNT)
    assert page.status_code == 401
    assert page.headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in (await world.get(f"{URL}/sign-in")).headers
    assert "Ask an administrator" in page.text


async def test_signing_out_takes_the_cookie_back_and_ends_the_session(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    thief = browser.copy()
    await browser.submit("/sign-out")
    page = browser.page
    assert (page.status_code, browser.session) == (200, "")
    assert (await thief.open("/account")).status_code == 401


async def test_nobody_is_signed_out_by_a_form_of_another_page(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    assert (await browser.post("/sign-out", csrf="guess")).status_code == 400
    assert (await browser.open("/account")).status_code == 200


async def test_anonymous_readers_may_sign_out(world: World) -> None:
    # The cookie of a session that has ended is taken back; who sends none has none to lose.
    cookie = {"Cookie": "__Host-ballroom=of-no-session"}
    answer = await world.send("POST", f"{URL}/sign-out", headers=cookie)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert re.match(r"__Host-ballroom=; max-age=0;", answer.headers["set-cookie"], re.IGNORECASE)


async def test_the_cookie_is_for_this_host_over_https_and_not_for_scripts(world: World) -> None:
    browser = Browser(world)
    link = await link_of(world, world.people.ann)
    await browser.open(link)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    code = urlsplit(link).fragment
    answer = await browser.send("POST", link, form, f"csrf={browser.csrf}&code={code}".encode())
    cookies = answer.headers.get_list("set-cookie")
    [cookie] = [each for each in cookies if each.startswith("__Host-ballroom=")]
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert not any("domain" in each.lower() for each in cookies)


async def test_names_are_shown_as_text(world: World) -> None:
    # The rules for names let no markup in; the page does not lean on them.
    account = await world.registry.identity.accounts.create("eve", by=OPERATOR)
    stored = account.model_copy(update={"id": "eve0000000", "name": "<script>alert(1)</script>"})
    await world.stores.directory.add(stored)
    page = (await signed_in(world, Person(stored, ""))).page
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text


async def test_the_page_shows_the_mail_address_and_that_it_is_verified(world: World) -> None:
    browser = await signed_in(world, world.people.mia)
    assert "knows no email address of yours, so you get no notifications." in browser.page.text
    stored = await world.registry.identity.accounts.by_id(world.people.mia.account.id)
    await world.stores.directory.replace(stored.model_copy(update={"email": "mia@example.org"}))
    page = await browser.open("/account")
    assert "mia@example.org" in page.text
    assert ">Verified<" in page.text


async def test_the_settings_are_a_download_with_a_place_for_a_token(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    download = await browser.open("/account/settings.toml")
    assert download.text == client_settings(URL, "ann")
    assert download.headers["content-disposition"] == 'attachment; filename="Settings.toml"'
    assert (await world.get(f"{ACCOUNT}/settings.toml")).status_code == 401


async def test_a_form_sent_after_the_session_ended_says_that_nothing_was_changed(
    world: World,
) -> None:
    browser = await signed_in(world, world.people.ann)
    await browser.open("/account/organizations")
    other_tab = browser.copy()
    await other_tab.submit("/sign-out")
    page = await browser.submit("/account/organizations", name="later")
    assert page.status_code == 401
    assert "Nothing was changed, because you are not signed in." in page.text
    assert "Nothing was changed" not in (await browser.open("/account/organizations")).text
