"""Who has which role, by what, and when they last signed in."""

from collections import Counter

import pytest

from shared.domain.errors.identity import NotPermitted
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.services.administration.rights_export import HolderKind
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.port_doubles import CallRecorder
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured


async def test_everybody_with_a_role_is_listed_with_what_gives_it(world: World) -> None:
    wanted = TokenRequest.parse("nightly", ["read"], org="*", package="*", days=None)
    issue = world.registry.tokens.access_tokens.issue
    await issue(OfOrganization(parse_org("acme")), wanted, by=OPERATOR)
    rows = await world.registry.administration.rights_export.rows(by=OPERATOR)
    said = {(e.kind, e.principal, e.role, e.where, e.by_what) for e in rows}
    account = HolderKind.ACCOUNT
    assert said >= {
        (account, "admin", "administrator of this registry", "the registry", "by hand"),
        (account, "ann", "owner", "acme", "by hand"),
        (account, "mia", "member", "acme", "by hand"),
        (HolderKind.ORGANIZATION_TOKEN, "nightly", "maintainer", "acme", "made by operator"),
        (HolderKind.TOKEN, "test", "scope manage", "the registry", "token of ann"),
    }


async def test_an_account_without_the_right_lists_no_rights(world: World) -> None:
    with pytest.raises(NotPermitted):
        await world.registry.administration.rights_export.rows(by=world.fresh(world.people.ann))


async def test_the_export_reads_each_kind_of_record_once_and_nothing_for_each_account(
    worlds: OpenWorld,
) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    for number in range(5):
        await world.registry.identity.accounts.create(f"kim{number}", by=OPERATOR)
    port_calls.taken()
    await world.registry.administration.rights_export.rows(by=OPERATOR)
    # Seven kinds, each of which is read once.
    read = Counter(port_calls.taken())
    assert set(read) == {"directory.read_all"}
    assert read["directory.read_all"] <= 7
