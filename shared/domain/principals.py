"""Principals: who makes a request, and what their credential allows."""

from collections.abc import Mapping

from msgspec import Struct

from shared.domain.grants import ANY_NAME, UNLIMITED, Grant
from shared.domain.names import OrgName
from shared.domain.packages import Provenance
from shared.domain.records import Record
from shared.domain.scopes import Resource, Role, Scope

OPERATOR_ID = "operator"  # Shorter than any account's id, so no account and no token has it.
REGISTRY_FILE_ID = "registry-file"  # Longer than any account's id.
_CONSOLE = "console"


MAX_REFUSED_PACKAGES = 10  # Kept with the token of a job.


class RefusedPackage(Record):
    """A package of the organization that a CI job may not publish, and why: one clause or more."""

    package: str
    why: str


class Principal(Struct, frozen=True):
    """Who makes a request: an account id, its credential, and what the credential allows.

    The id is empty for a request without credentials. `expires_ms` is when the token expires;
    tokens created with it expire no later. `organization` is that of its token or CI job, which
    has the role maintainer there without an account. `signed_in_ms` is when the person last signed
    in, None for tokens. `address` and `agent` are the client's. `provenance` is the CI job of a
    job's token, and `refused` are packages that it may not publish. `addresses` are the ranges that
    the token may be used from; empty means everywhere.
    `token` is the id of a stored access token, which marks whatever is created with it;
    `token_creator` is the account that created a token of an organization. A guest is not staff,
    or uses a token that a guest created for an organization. `only_versions` are the versions that
    the token of a job may publish, by the keys of packages; of others it may publish any.
    """

    id: str = ""
    credential: str = ""
    grants: tuple[Grant, ...] = ()
    expires_ms: int | None = None
    organization: str = ""
    signed_in_ms: int | None = None
    address: str = ""
    agent: str = ""
    provenance: Provenance | None = None
    refused: tuple[RefusedPackage, ...] = ()
    addresses: tuple[str, ...] = ()
    token: str = ""
    token_creator: str = ""
    is_guest: bool = False
    only_versions: Mapping[str, tuple[str, ...]] = {}

    @property
    def is_anonymous(self) -> bool:
        return not self.id

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator, who runs commands on the registry's machine, or a registry
        file that somebody applies who may."""
        return self.id in (OPERATOR_ID, REGISTRY_FILE_ID)

    @property
    def is_sent_file(self) -> bool:
        """Whether this is a registry file that came by the API: changes of owners by it wait, as
        the token may be stolen."""
        return self.id == REGISTRY_FILE_ID and self.credential != _CONSOLE

    def granted_roles(self, org: OrgName) -> frozenset[Role]:
        """Return the roles in the organization that the credential itself grants."""
        is_own = bool(self.organization) and self.organization.lower() == org.lower()
        return frozenset({Role.MAINTAINER}) if is_own else frozenset()

    def allows(self, scope: Scope, resource: Resource) -> bool:
        """Check whether a grant covers `scope` on `resource`; its owner needs a role besides."""
        return any(grant.covers(scope, resource) for grant in self.grants)

    @property
    def reads_internal(self) -> bool:
        """Whether the principal reads internal packages of upstreams, whose organizations are none
        of ours: it is staff, and its credential has the scope read for anything; that of a CI job
        has it for a whole organization, and not only for what it publishes."""
        return not self.is_guest and any(
            Scope.READ in grant.scopes and (self.provenance is None or grant.package == ANY_NAME)
            for grant in self.grants
        )

    @property
    def reads_every_internal(self) -> bool:
        """Whether the principal reads all internal packages: its credential has the scope read for
        everything, or for all packages of the organization that it belongs to."""
        return self.reads_internal and any(
            Scope.READ in grant.scopes
            and grant.package == ANY_NAME
            and (bool(self.organization) or grant.org == ANY_NAME)
            for grant in self.grants
        )

    @property
    def is_person(self) -> bool:
        """Whether somebody who signed in, or the operator, makes the request, and no program."""
        return self.is_operator or self.signed_in_ms is not None

    @property
    def applies_files(self) -> bool:
        """Whether the credential has the scope apply, which is for the whole registry."""
        return self._has_everywhere(Scope.APPLY)

    @property
    def manages_everything(self) -> bool:
        """Whether the credential has the scope manage for all organizations and packages."""
        return self._has_everywhere(Scope.MANAGE)

    @property
    def moderates_everything(self) -> bool:
        """Whether the credential has the scope moderate for all organizations and packages."""
        return self._has_everywhere(Scope.MODERATE)

    @property
    def audits_everything(self) -> bool:
        """Whether the credential has the scope audit, which is for the whole registry."""
        return self._has_everywhere(Scope.AUDIT)

    def _has_everywhere(self, scope: Scope) -> bool:
        everything = Grant(scopes=frozenset({scope}))
        return any(grant.includes(everything) for grant in self.grants)

    def may_grant(self, wanted: Grant) -> bool:
        """Check whether the credential may create another one with the grant `wanted`."""
        return any(Scope.MANAGE in grant.scopes and grant.includes(wanted) for grant in self.grants)


ANONYMOUS = Principal()
OPERATOR = Principal(id=OPERATOR_ID, credential=_CONSOLE, grants=(UNLIMITED,))
MAINTENANCE = Principal(id="upkeep", credential="upkeep")  # The actor of maintenance tasks.
DIRECTORY = Principal(id="directory", credential="directory")  # The actor of its locks.
GROUPS = Principal(id="groups", credential="groups")  # The actor of what groups change.
MIRROR = Principal(id="mirror", credential="mirror")  # The publisher of mirrored releases.

# The names of actors that are not accounts, at the beginning of a sentence. Their ids have another
# length than those of accounts.
ACTOR_NAMES: Mapping[str, str] = {
    OPERATOR_ID: "The operator",
    REGISTRY_FILE_ID: "The registry file",
    MAINTENANCE.id: "The registry",
    DIRECTORY.id: "The directory",
    GROUPS.id: "A rule about groups",
    MIRROR.id: "The mirror",
}
ACTOR_NAMES_WITHIN_SENTENCES: Mapping[str, str] = {
    actor: name[0].lower() + name[1:] for actor, name in ACTOR_NAMES.items()
}


def names_within_sentences(accounts: Mapping[str, str]) -> dict[str, str]:
    """Return the names of accounts, by their ids, and those of actors that are not accounts."""
    return {**accounts, **ACTOR_NAMES_WITHIN_SENTENCES}


def registry_file(by: Principal) -> Principal:
    """Return the registry file as the maker of what somebody makes by it: it goes on whatever
    becomes of their account. The credential and the address are theirs."""
    return Principal(
        id=REGISTRY_FILE_ID,
        credential=by.credential,
        grants=(UNLIMITED,),
        address=by.address,
        agent=by.agent,
    )
