"""Authorization: what a principal may do, what administrators may do, and what the checks cost."""

import pytest
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.errors.identity import NotPermitted, TokenUnknown
from shared.domain.grants import Grant
from shared.domain.memberships import GroupRole, Membership
from shared.domain.organizations import Organization
from shared.domain.packages import Head
from shared.domain.principals import ANONYMOUS, OPERATOR, Principal
from shared.domain.scopes import Role, Scope
from shared.domain.search import Viewer
from shared.domain.visibility import STAFF, Visibility
from tests.fakes.stores import E, FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.services import authorization_over

MEMBER = Principal("member0000", "token", (Grant(),))
STRANGER = Principal("stranger00", "token", (Grant(),))
ADMINISTRATOR = Principal("admin00000", "token", (Grant(),))
GREET = Package.parse("acme", "greet")


def head(name: str, visibility: Visibility = Visibility.PRIVATE) -> Head:
    org, _, package = name.partition("/")
    return Head(org=org, name=package, visibility=visibility, created_ms=0)


def limited(**grant: object) -> Principal:
    return Principal(MEMBER.id, "token", (Grant.model_validate(grant),))


@pytest.fixture
def directory() -> FakeDirectory:
    people = [
        Account(id=who.id, name=who.id, administrator=who is ADMINISTRATOR, created_ms=0)
        for who in (MEMBER, STRANGER, ADMINISTRATOR)
    ]
    orgs = [Organization(name=name, founder="x", created_ms=0) for name in ("Acme", "globex")]
    role = Membership(org="Acme", account=MEMBER.id, role=Role.MEMBER)
    return FakeDirectory.holding(*people, *orgs, role)


@pytest.fixture
def authorization(directory: FakeDirectory) -> Authorization:
    return authorization_over(directory, FakeClock())


async def test_the_organizations_of_hidden_and_missing_packages_are_asked_once_each(
    authorization: Authorization, directory: FakeDirectory
) -> None:
    mine = head("Acme/mine")
    more = head("acme/more")
    theirs = head("globex/theirs")
    public = head("globex/open", Visibility.PUBLIC)
    asked = [(each.package, each) for each in (theirs, mine, public, more)]
    readable = await authorization.readable(MEMBER, [*asked, (GREET, None)])
    assert readable == {mine.package.key, public.package.key, more.package.key}
    assert directory.calls == ["access_context", "access_context"]


async def test_an_organization_whose_packages_a_credential_is_known_to_read_is_not_asked_again(
    authorization: Authorization, directory: FakeDirectory
) -> None:
    mine = head("acme/mine")
    asked = [(mine.package, mine), (GREET, None)]
    for _ in range(2):
        assert await authorization.readable(MEMBER, asked) == {mine.key}
    assert directory.calls == ["access_context"]
    internal = head("acme/inside", Visibility.INTERNAL)
    assert await authorization.readable(MEMBER, [(internal.package, internal)]) == {internal.key}
    elsewhere = replace(limited(org="globex"), credential="another token")
    for other in (elsewhere, STRANGER, ANONYMOUS):
        assert await authorization.readable(other, asked) == set()


# Viewers who read internal packages, as every account does that is no guest.
PUSHING = Grant(scopes=frozenset({Scope.PUSH_NEW}))  # As of CI.
ACCOUNT = Viewer(frozenset({STAFF}))
ACME_MEMBER = Viewer(frozenset({"acme", STAFF}))
SOME = Principal(ADMINISTRATOR.id, "token", (Grant(package="greet*"),))
GUEST = replace(MEMBER, is_guest=True)
OF_ACME = Principal("robot", "token", (Grant(org="acme"),), organization="acme")


@pytest.mark.parametrize(
    ("by", "theirs", "ours", "every"),
    [
        (ANONYMOUS, False, False, False),
        (STRANGER, True, True, True),
        (MEMBER, True, True, True),
        (OPERATOR, True, True, True),
        (Principal("unknown000", "token", (Grant(),)), False, False, False),
        (limited(org="globex"), True, False, False),
        (limited(package="greet"), True, True, False),
        (limited(scopes=[Scope.MANAGE]), False, False, False),
        (limited(scopes=[]), False, False, False),
        (OF_ACME, True, True, True),
        (replace(OF_ACME, id="robot2", is_guest=True), False, False, False),
        (replace(OF_ACME, grants=(Grant(org="acme", package="a*"),)), True, False, False),
        (Principal("job", grants=(PUSHING,), organization="acme"), False, False, False),
        (GUEST, False, False, False),
        (replace(STRANGER, is_guest=True), False, False, False),
    ],
)
async def test_internal_packages_are_read_by_staff_whose_credential_reads(
    authorization: Authorization, by: Principal, theirs: bool, ours: bool, every: bool
) -> None:
    """Of an upstream with the scope for anything, of ours within the credential's pattern."""
    own = head("other/greet", Visibility.INTERNAL)
    missing = head("partner/none")
    mirrored = own.model_copy(update={"upstream": "central"})
    for internal, reads in ((mirrored, theirs), (own, ours)):
        assert await authorization.may_read(by, internal) is reads
        assert (await authorization.private_access(by)).covers(internal) is reads
    assert not await authorization.readable(by, [(missing.package, None)])
    viewer = await authorization.viewer(by)
    assert (viewer.sees_everything or STAFF in viewer.orgs) is every
    assert authorization.readers.includes(by, STAFF) is (every and bool(by.credential))


async def test_members_who_are_guests_read_internal_packages_of_their_organization(
    authorization: Authorization,
) -> None:
    for name, reads in (("acme/greet", True), ("globex/greet", False)):
        internal = head(name, Visibility.INTERNAL)
        assert await authorization.may_read(GUEST, internal) is reads
        mirrored = internal.model_copy(update={"upstream": "central"})
        assert await authorization.may_read(GUEST, mirrored) is False


@pytest.mark.parametrize(
    ("by", "sees"),
    [
        (ANONYMOUS, Viewer()),
        (STRANGER, ACCOUNT),
        (MEMBER, ACME_MEMBER),
        (ADMINISTRATOR, Viewer(sees_everything=True)),
        (OPERATOR, Viewer(sees_everything=True)),
        (Principal("unknown000", "token", (Grant(),)), Viewer()),
        (limited(org="ac*"), Viewer(frozenset({"acme"}))),
        (limited(org="globex"), Viewer()),
        (limited(package="greet"), Viewer()),
        (limited(scopes=[Scope.MANAGE]), Viewer()),
        (Principal(ADMINISTRATOR.id, "token", (Grant(org="acme"),)), Viewer()),
        (SOME, Viewer()),
    ],
)
async def test_a_search_shows_private_packages_of_organizations_that_one_may_read(
    authorization: Authorization, by: Principal, sees: Viewer
) -> None:
    assert await authorization.viewer(by) == sees


async def test_an_administrator_with_a_token_for_some_packages_reads_these(
    authorization: Authorization,
) -> None:
    reach = await authorization.private_access(SOME)
    assert [reach.covers(head(name)) for name in ("acme/greet", "acme/secret")] == [True, False]


async def test_a_list_of_organizations_that_lags_behind_gives_no_right(
    directory: FakeDirectory,
) -> None:
    class Lagging(FakeDirectory):
        async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
            gone = Membership(org="acme", account=subject, role=Role.OWNER)
            return [gone] if isinstance(gone, kind) else []

    lagging = Lagging(directory.entities)
    lagged = authorization_over(lagging, FakeClock())
    assert await lagged.viewer(STRANGER) == ACCOUNT


READER = Principal(ADMINISTRATOR.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
JOB = Principal(
    "job0000000", "job", (Grant(scopes=frozenset({Scope.PUSH_VERSION})),), organization="acme"
)


@pytest.mark.parametrize(
    ("by", "calls"), [(OPERATOR, []), (JOB, []), (ADMINISTRATOR, ["list_by_subject", "get"])]
)
async def test_somebody_who_may_publish_somewhere_has_an_archive_read(
    authorization: Authorization, directory: FakeDirectory, by: Principal, calls: list[str]
) -> None:
    await authorization.require_publisher(by)
    assert directory.calls == calls


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (MEMBER, "you are only member of Acme. Ask an owner of an organization"),
        (STRANGER, "you belong to no organization. Ask an owner"),
        (READER, "the token lacks the scopes push-new and push-version"),
    ],
)
async def test_a_principal_that_may_publish_nowhere_reads_why(
    authorization: Authorization, by: Principal, reason: str
) -> None:
    with pytest.raises(NotPermitted, match=f"may not publish any package: .*{reason}"):
        await authorization.require_publisher(by)


async def test_somebody_whose_role_by_a_group_has_ended_reads_that(
    directory: FakeDirectory,
) -> None:
    clock = FakeClock()
    ended = GroupRole(role=Role.OWNER, until_ms=clock.now_ms(), groups=("staff",))
    membership = Membership(org="globex", account=STRANGER.id, role=Role.OWNER, group=ended)
    await directory.put(membership)
    authorization = authorization_over(directory, clock)
    for of, what in ((None, "any package"), (GREET, "acme/greet")):
        with pytest.raises(NotPermitted, match=f"publish {what}: your role owner of globex was by"):
            await authorization.require_publisher(STRANGER, of)


async def test_the_token_of_a_deleted_account_publishes_nothing(
    authorization: Authorization,
) -> None:
    with pytest.raises(TokenUnknown):
        await authorization.require_publisher(Principal("gone000000", "token", (Grant(),)))


# --- Known readers -------------------------------------------------------------------------------
