"""The registry as a file, by the API: tokens with the scope apply, what waits, and repeats."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.bootstrap.build import build_registry
from shared.domain.errors.requests import Busy, StorageFull
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import OrgName
from shared.domain.principals import OPERATOR, REGISTRY_FILE_ID
from shared.domain.registry_files.managed import ManagedByFile
from shared.domain.registry_files.sections import PublisherSection
from shared.domain.scopes import Role
from shared.domain.trusted_publishing.publishers import Publisher
from shared.services.adapters import Adapters
from shared.services.registry_files.plans import NOTHING_TO_CHANGE, Pruning
from shared.services.registry_files.registry_files import FileRequest
from shared.services.tokens.tokens import TokenRequest
from shared.use_cases.trusted_publishers import NewPublisher
from tests.sampling import FULL
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault, Moment, PortOutage, Proceed, intercepted
from tests.support.refusals import raises_refusal
from tests.support.world import URL, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

APPLY = f"{URL}/api/v1/apply"
ACME = OrgName("acme")
WRITES = ("add", "replace", "put")
GROWN = """
[registry]
reserved_names = ["wso2*"]
[organizations.acme]
description = "We greet."
owners = ["ann", "bob"]
members = { mia = "maintainer" }
groups = { "oidc:builders" = "member" }
[organizations.fresh]
owners = ["bob", "ann"]
members = { mia = "member" }
approvals = 2
[[organizations.fresh.webhooks]]
url = "https://hooks.example.org/x"
events = ["release"]
[[organizations.fresh.publishers]]
package = "greet"
provider = "github"
ids = { repository_id = "1", repository_owner_id = "2" }
workflow = "release.yml"
refs = ["refs/heads/main"]
"""


@dataclass
class Later:
    """Lets the directory fail to write records of a kind."""

    kind: type[object] | None = None

    def wrap(self, stores: Adapters) -> Adapters:
        return replace(stores, directory=intercepted(stores.directory, self._write, WRITES))

    async def _write(self, _method: str, proceed: Proceed) -> Any:
        written = cast("partial[Any]", proceed).args
        if self.kind and any(isinstance(each, self.kind) for each in written):
            raise Busy
        return await proceed()


async def applier(world: World) -> Person:
    return await limited(world, world.people.admin, "apply")


async def apply(world: World, by: Person | None, file: str, **more: Any) -> httpx.Response:
    return await world.send("POST", APPLY, by=by, json={"file": file, **more})


async def exported(world: World) -> str:
    return await world.registry.administration.registry_files.export(by=OPERATOR)


async def owned(world: World) -> dict[str, tuple[str, ...]]:
    stored = await world.stores.directory.list_by_owner(ManagedByFile, "registry-file")
    return {each.section: each.keys for each in stored}


# --- Tokens --------------------------------------------------------------------------------------


async def test_a_token_applies_a_file_and_each_use_is_mailed(world: World) -> None:
    token = await applier(world)
    first = await apply(world, token, GROWN)
    assert first.status_code == 200, first.text
    assert first.json()["summary"] == "10 changes."
    [secret] = first.json()["secrets"].values()
    assert secret.startswith("whsec_")
    again = (await apply(world, token, GROWN)).json()
    assert (again["summary"], again["changes"], again["secrets"]) == (NOTHING_TO_CHANGE, [], {})
    export = await world.send("GET", f"{URL}/api/v1/export", by=token)
    assert '\n[organizations.fresh]\nvisibility = "public"\n' in export.json()["file"]
    assert secret not in export.json()["file"]


async def test_administrators_read_of_each_use(world: World) -> None:
    admin = world.people.admin.account
    stored = await world.stores.directory.replace(
        admin.model_copy(update={"email": "admin@example.org", "revision": admin.revision})
    )
    token = await applier(world)
    await apply(world, token, GROWN, dryRun=True)
    await apply(world, token, GROWN)
    await world.send("GET", f"{URL}/api/v1/export", by=token)
    subjects = [each.subject for each in world.mailer.sent if each.to == stored.email]
    about = [each for each in subjects if each.startswith("A registry file")]
    assert about == [
        f"A registry file was {e} with a token" for e in ("tried", "applied", "exported")
    ]


@pytest.mark.parametrize("scopes", [("read",), ("manage",), ("moderate",)])
async def test_no_other_token_applies_a_file(world: World, scopes: tuple[str, ...]) -> None:
    token = await limited(world, world.people.admin, *scopes)
    answer = await apply(world, token, GROWN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not-permitted")


async def test_a_token_ends_with_its_issuer(world: World) -> None:
    token = await applier(world)
    administration = world.registry.administration
    other = await world.registry.identity.accounts.create_administrator("other", by=OPERATOR)
    assert other.administrator
    await administration.administrators.dismiss(
        world.people.admin.account, by=OPERATOR, reason="Left."
    )
    assert (await apply(world, token, GROWN)).status_code == 403
    await administration.accounts.lock(world.people.admin.account, "Left.", by=OPERATOR)
    world.clock.advance(timedelta(seconds=5))
    assert (await apply(world, token, GROWN)).status_code == 401


async def test_what_a_token_made_goes_on_when_its_issuer_is_locked(world: World) -> None:
    token = await applier(world)
    await apply(world, token, GROWN)
    await world.registry.identity.accounts.create_administrator("other", by=OPERATOR)
    await world.registry.administration.accounts.lock(
        world.people.admin.account, "Left.", by=OPERATOR
    )
    [webhook] = await world.registry.organizations.webhooks.of(OrgName("fresh"), by=OPERATOR)
    assert webhook.by == REGISTRY_FILE_ID
    makers = await world.registry.organizations.webhooks.makers_of([webhook])
    assert (makers[webhook.by].name, makers[webhook.by].stop) == ("the registry file", None)


@pytest.mark.parametrize(
    ("scopes", "org", "days", "sentence"),
    [
        (["apply", "read"], "*", 10, "A token with the scope apply has no other scope."),
        (["apply"], "acme", 10, "A token with the scope apply is for the whole registry."),
        (["apply"], "*", 31, "A token with the scope apply is good for 1 to 30 days, not 31."),
    ],
)
def test_a_token_applies_alone_and_for_a_month(
    scopes: list[str], org: str, days: int, sentence: str
) -> None:
    with pytest.raises(Exception, match=sentence):
        TokenRequest.parse("x", scopes, org=org, package="*", days=days)


async def test_a_token_takes_an_administrator_who_signed_in_recently(world: World) -> None:
    tokens = world.registry.tokens.access_tokens
    wanted = TokenRequest.parse("x", ["apply"], org="*", package="*", days=None)
    issued = await tokens.issue(
        world.people.admin.account.id, wanted, by=world.fresh(world.people.admin)
    )
    now_ms = world.clock.now_ms()
    assert issued.token.expires_ms == now_ms + timedelta(days=30) // timedelta(milliseconds=1)
    with raises_refusal("not-permitted"):
        await tokens.issue(world.people.ann.account.id, wanted, by=world.fresh(world.people.ann))
    late = replace(world.fresh(world.people.admin), signed_in_ms=now_ms - 3_600_000)
    with raises_refusal("sign-in-again"):
        await tokens.issue(world.people.admin.account.id, wanted, by=late)


async def test_nobody_without_a_right_learns_of_the_file(world: World) -> None:
    assert (await apply(world, None, GROWN)).status_code == 401
    assert (await apply(world, world.people.ann, GROWN)).status_code == 403


# --- Pages ---------------------------------------------------------------------------------------


async def test_pages_mark_what_a_file_owns(world: World) -> None:
    await world.registry.administration.registry_files.apply(FileRequest(GROWN), by=OPERATOR)
    browser = await signed_in(world, world.people.admin)
    org = f"{URL}/account/organizations"
    for path, count in (
        (f"{org}/acme", 3),
        (f"{org}/acme/settings", 1),
        (f"{org}/acme/webhooks", 0),
        (f"{org}/acme/rules", 0),
        (f"{org}/fresh/rules", 1),
        (f"{URL}/manage/rules", 0),
        (f"{org}/fresh/webhooks", 1),
        (f"{org}/fresh/publishers", 1),
        (f"{org}/other", 0),
        (f"{URL}/manage/names", 1),
    ):
        page = await browser.open(path)
        assert page.status_code == 200
        assert page.text.count('<span class="badge">Managed by file</span>') == count, path


# --- What waits ----------------------------------------------------------------------------------


async def test_a_change_of_owners_by_a_token_waits_and_is_begun_once(world: World) -> None:
    token = await applier(world)
    file = '[organizations.acme]\nowners = ["ann", "mia"]\n'
    assert (await apply(world, token, file)).json()["summary"] == "1 change."
    again = (await apply(world, token, file)).json()
    assert again["changes"] == []
    [waiting] = again["waiting"]
    assert waiting.startswith("waiting: organizations.acme.owners.mia: becomes owner on ")
    world.clock.advance(OWNER_CHANGE_DELAY)
    later = (await apply(world, token, file)).json()
    assert (later["changes"], later["waiting"]) == ([], [])
    members = await world.registry.organizations.memberships.members(ACME, by=OPERATOR)
    roles = {each.name: each.membership.role for each in members}
    assert roles == {"ann": Role.OWNER, "mia": Role.OWNER}


async def test_two_at_once_run_one_after_the_other(world: World) -> None:
    files = world.registry.administration.registry_files
    runs = [files.apply(FileRequest(GROWN), by=OPERATOR) for _ in range(2)]
    applied = await asyncio.gather(*runs)
    assert sorted(len(each.changes) for each in applied) == [0, 10]


async def test_a_company_of_300_people_is_set_up_by_one_file(world: World) -> None:
    accounts = world.registry.identity.accounts
    people = [f"person{number}" for number in range(300)]
    for each in people:
        await accounts.create(each, by=OPERATOR)
    lines = list[str]()
    for number in range(10):
        team = people[number * 30 : (number + 1) * 30]
        roles = ", ".join(f'{each} = "maintainer"' for each in team[2:])
        lines += [
            f"[organizations.team{number}]",
            f"owners = {team[:2]}",
            f"members = {{ {roles} }}",
        ]
        lines += [f'groups = {{ "oidc:team{number}" = "maintainer" }}', "staged = true"]
    token = await applier(world)
    file = "\n".join(lines)
    answer = await apply(world, token, file)
    assert (answer.status_code, answer.json()["waiting"]) == (200, [])
    assert (await apply(world, token, file)).json()["summary"] == NOTHING_TO_CHANGE
    members = world.registry.organizations.memberships
    found = await members.members(OrgName("team7"), by=OPERATOR)
    assert [each.membership.role for each in found].count(Role.OWNER) == 2
    assert len(found) == 30


# --- Repeats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("method", ["add", "replace"])
async def test_a_file_that_is_stopped_in_the_middle_is_applied_by_a_repeat(
    method: str, moment: Moment, worlds: OpenWorld
) -> None:
    whole = await worlds()
    await whole.registry.administration.registry_files.apply(FileRequest(GROWN), by=OPERATOR)
    expected = await exported(whole), await owned(whole)
    stopped = 0
    for nth in range(1, 40, 1 if FULL else 5):
        world = await worlds()
        fault = Fault(method, StorageFull(), moment, nth)
        broken = build_registry(
            world.registry.settings,
            replace(world.stores, directory=fault.over(world.stores.directory)),
        )
        try:
            await broken.administration.registry_files.apply(FileRequest(GROWN), by=OPERATOR)
        except StorageFull:
            stopped += 1
        finally:
            await broken.close()
        await world.registry.administration.registry_files.apply(FileRequest(GROWN), by=OPERATOR)
        assert (await exported(world), await owned(world)) == expected, (method, moment, nth)
        if fault.calls < nth:
            break
    assert stopped


@pytest.mark.parametrize("failing_call", ["of a later change", "of the record of the file"])
async def test_the_secret_of_a_new_webhook_is_in_the_refusal_of_what_follows(
    worlds: OpenWorld, failing_call: str
) -> None:
    """A repeat finds the webhook and shows no secret."""
    later = Later()
    world = await worlds(wrap=later.wrap)
    token = await applier(world)
    later.kind = Publisher if failing_call == "of a later change" else ManagedByFile
    # The webhook of acme is made before the publisher of fresh.
    file = GROWN.replace("organizations.fresh.webhooks", "organizations.acme.webhooks")
    refused = await apply(world, token, file)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    [secret] = refused.json()["secrets"].values()
    assert secret.startswith("whsec_")
    later.kind = None
    again = await apply(world, token, file)
    assert (again.status_code, again.json()["secrets"]) == (200, {})


async def test_a_refusal_before_any_webhook_is_made_has_no_secrets(world: World) -> None:
    refused = await apply(world, await applier(world), "[organizations.acme]\nowners = 1")
    assert [*refused.json()] == ["error"]


async def test_no_file_lacks_a_publisher_since_a_store_did_not_answer(worlds: OpenWorld) -> None:
    outage = PortOutage({"metadata": ("head",)})
    world = await worlds(wrap=outage.wrap)
    await world.registry.administration.registry_files.apply(FileRequest(GROWN), by=OPERATOR)
    assert "release.yml" in await exported(world)
    outage.lasts = True
    with raises_refusal("busy"):
        await exported(world)


_names = st.sampled_from(["acme", "other", "fresh", "New_1"])
_people = st.lists(st.sampled_from(["ann", "bob", "mia", "admin"]), unique=True, min_size=1)
_texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=30)


@st.composite
def _files(draw: st.DrawFn) -> str:
    lines = list[str]()
    for name in draw(st.lists(_names, unique=True, min_size=1)):
        owners = draw(_people)
        members = [
            e for e in ("ann", "bob", "mia", "admin") if e not in owners and draw(st.booleans())
        ]
        lines += [f"[organizations.{name}]", f"owners = {owners}"]
        roles = [
            f"{each} = '{draw(st.sampled_from(['member', 'maintainer']))}'" for each in members
        ]
        lines += [f"members = {{ {', '.join(roles)} }}"]
        escaped = draw(_texts).replace("\\", "\\\\").replace('"', '\\"')
        lines += [f'description = "{escaped}"']
        lines += [f"visibility = '{draw(st.sampled_from(['public', 'internal', 'private']))}'"]
        lines += [f"staged = {str(draw(st.booleans())).lower()}"]
        for url in draw(st.lists(st.sampled_from(["a", "b"]), unique=True)):
            lines += [f"[[organizations.{name}.webhooks]]", f"url = 'https://x.example.org/{url}'"]
            lines += ["events = ['audit', 'release']"]
    return "\n".join(lines)


@pytest.mark.parametrize("pruning", Pruning)
async def test_applying_what_was_exported_changes_nothing(
    pruning: Pruning, worlds: OpenWorld
) -> None:
    drawn = list[str]()

    @given(_files())
    def draw(file: str) -> None:
        drawn.append(file)

    draw()
    world = await worlds()
    files = world.registry.administration.registry_files
    for file in drawn[: 100 if FULL else 15]:
        await files.apply(FileRequest(file, pruning), by=OPERATOR)
        again = await files.apply(FileRequest(file, pruning), by=OPERATOR)
        assert again.summary == NOTHING_TO_CHANGE, (file, again.changes)
        text = await exported(world)
        repeated = await files.apply(FileRequest(text, pruning), by=OPERATOR)
        assert repeated.summary == NOTHING_TO_CHANGE, (text, repeated.changes)


def test_a_publisher_of_the_file_has_the_fields_of_the_api() -> None:
    assert PublisherSection.model_fields.keys() == NewPublisher.model_fields.keys()
