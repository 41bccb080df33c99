"""Since which version symbols exist, and what each version changed of the API."""

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import Elements, opened, words
from tests.protocol.web.test_api_docs import NEW, OLD, publish_documented
from tests.support.browsers import signed_in
from tests.support.world import World


async def account_words(world: World) -> str:
    """Return what the owners of the package read."""
    await world.document()
    ann = await signed_in(world, world.people.ann, "/account/organizations/acme/packages/moving")
    return " ".join(Elements.of(ann.page).words.split())


async def test_symbols_say_since_which_version_they_exist(own_shelf: World) -> None:
    await publish_documented(own_shelf, ("1.0.0", OLD), ("1.1.0", NEW))

    docs = "/packages/acme/moving/1.1.0/docs"
    outline = await words(own_shelf, docs)
    assert "added since 1.1.0 function added() kept function kept(int a) widened" in outline
    assert "Since 1.1.0" in await words(own_shelf, f"{docs}/moving/added")
    assert "Since 1.0.0" in await words(own_shelf, f"{docs}/moving/kept")
    assert "since" not in (await words(own_shelf, "/packages/acme/moving/1.0.0/docs")).lower()


async def test_members_say_since_which_version_they_exist(own_shelf: World) -> None:
    old = "public type Person record {| string name; |};"
    new = "public type Person record {| string name; int age = 1; |};"
    await publish_documented(own_shelf, ("1.0.0", old), ("1.1.0", new))

    docs = "/packages/acme/moving/1.1.0/docs/moving"
    text = await words(own_shelf, f"{docs}/Person")
    assert "Since 1.0.0, the oldest version here Source" in text
    assert "age since 1.1.0" in text
    assert "name since" not in text
    assert "Since 1.1.0" in await words(own_shelf, f"{docs}/Person.age")


async def test_the_versions_say_how_far_each_changed_the_api(own_shelf: World) -> None:
    same = ("1.1.0", OLD), ("1.2.0", OLD + "public function more() {}")
    await publish_documented(own_shelf, ("1.0.0", OLD), *same, ("1.2.1", NEW))

    answer = await opened(own_shelf, "/packages/acme/moving/versions")
    text = " ".join(Elements.of(answer).words.split())
    assert "Breaking 4 API changes" in text
    assert "Compatible 1 API change" in text
    assert "Compare 1.1.0 with another version" in text  # It has no API changes.
    assert "0 API changes" not in text
    assert "/packages/acme/moving/1.2.1/changes?from=1.2.0" in Elements.of(answer).links


async def test_a_verdict_after_a_version_that_was_withdrawn_is_not_shown(own_shelf: World) -> None:
    await publish_documented(own_shelf, ("1.0.0", OLD), ("1.0.1", NEW))
    assert "Breaking" in await words(own_shelf, "/packages/acme/moving/versions")
    first = Coordinate.parse("acme", "moving", "1.0.0")
    await own_shelf.registry.publishing.moderation.quarantine(first, "malware", by=OPERATOR)
    assert "Breaking" not in await words(own_shelf, "/packages/acme/moving/versions")


async def test_additions_to_what_callers_give_need_no_major_version(own_shelf: World) -> None:
    old = """
        public const FAST = "fast";
        public type Common record {| int timeout = 60; |};
        public type Config record {| *Common; string[] scopes?; |};
        public client class Client {
            public function init(*Config config) {}
            resource function get users/[int id]() returns string { return ""; }
        }
    """
    new = """
        public enum Speed { FAST = "fast", SLOW = "slow" }
        public type Common record {| int timeout = 60; boolean lax = false; |};
        public type Config record {| *Common; string|string[] scopes?; |};
        public client class Client {
            public function init(*Config config) {}
            resource function get users/[int number]() returns string { return ""; }
        }
    """
    await publish_documented(own_shelf, ("1.0.0", old), ("1.1.0", new))

    assert "Compatible" in await words(own_shelf, "/packages/acme/moving/versions")
    answer = await opened(own_shelf, "/packages/acme/moving/1.1.0/changes?from=1.0.0")
    assert "Breaking changes" not in Elements.of(answer).words


async def test_owners_are_warned_of_a_version_that_is_too_low(own_shelf: World) -> None:
    await publish_documented(own_shelf, ("1.0.0", OLD))
    assert "should have been" not in await account_words(own_shelf)

    await publish_documented(own_shelf, ("1.0.1", NEW))
    text = await account_words(own_shelf)
    assert "1 breaking change since 1.0.0; this should have been a major version." in text

    await publish_documented(own_shelf, ("2.0.0", OLD))
    assert "should have been" not in await account_words(own_shelf)


async def test_an_addition_in_a_patch_is_too_low_too(own_shelf: World) -> None:
    await publish_documented(
        own_shelf, ("1.0.0", OLD), ("1.0.1", OLD + "public function more() {}")
    )

    text = await account_words(own_shelf)
    assert "1 compatible change since 1.0.0; this should have been a minor version." in text
    assert "Version too low 1 API change" in await words(
        own_shelf, "/packages/acme/moving/versions"
    )
