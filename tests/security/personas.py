"""Who asks in the matrix: what each is in `acme`, what their credential allows, and how it is sent.

What they may do is computed here from the table of rights, by another way than the product's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase

from shared.auth.authentication import Authentication, RequestClient
from shared.domain.access_rights import RIGHTS
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.domain.recent_sign_in import RECENT_SIGN_IN_ACTIONS
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Action, Role, Scope
from tests.fakes.system import FakeClock

SESSION = "Session"  # A scheme of the tests alone; sessions themselves have tests of their own.
# Without those that administrators alone give to tokens.
EVERY = frozenset(Scope) - ADMINISTRATORS_SCOPES
MACHINES = EVERY - {Scope.MANAGE}  # They govern nothing.
PUSHING = frozenset({Scope.PUSH_NEW, Scope.PUSH_VERSION})
DEPRECATING = frozenset({Scope.DEPRECATE})
MODERATING = frozenset({Scope.MODERATE})
APPLYING = frozenset({Scope.APPLY})
AUDITING = frozenset({Scope.AUDIT})


class Credential(Enum):
    """What comes with a request."""

    NONE = "none"
    TOKEN = "token"
    SESSION = "session"
    MACHINE = "machine"  # A token of the organization itself.
    BAD = "bad"  # It was good once.


@dataclass(frozen=True)
class Persona:
    """Somebody who tries everything."""

    name: str
    credential: Credential
    account: str = ""  # The name of their account, if they have one.
    role: Role | None = None
    scopes: frozenset[Scope] = EVERY
    org: str = "*"  # Patterns of what the credential is for.
    package: str = "*"
    administrator: bool = False
    auditor: bool = False
    signed_in: timedelta | None = None  # How long ago.

    @property
    def is_anonymous(self) -> bool:
        """Say whether they send nothing."""
        return self.credential is Credential.NONE

    @property
    def is_bad(self) -> bool:
        """Say whether what they send is worth nothing."""
        return self.credential is Credential.BAD

    @property
    def is_unknown(self) -> bool:
        """Say whether nobody knows who they are."""
        return self.is_anonymous or self.is_bad

    @property
    def is_fresh(self) -> bool:
        """Say whether they signed in a moment ago."""
        return self.signed_in is not None and self.signed_in <= timedelta(minutes=10)

    def may(self, action: Action, package: str | None = None) -> bool:
        """Say what the table of rights says of them in `acme`, or of a package there.

        What is for some packages of an organization is not for the organization.
        """
        scope, roles = RIGHTS[action]
        has_role = self.administrator or self.role in roles
        is_fresh = action not in RECENT_SIGN_IN_ACTIONS or self.is_fresh
        return has_role and is_fresh and scope in self.scopes and self._reaches(package)

    @property
    def manages_account(self) -> bool:
        """Say whether their credential manages all of their account, and so nothing limits it."""
        return Scope.MANAGE in self.scopes and (self.org, self.package) == ("*", "*")

    @property
    def audits(self) -> bool:
        """Say whether they read what auditors read of the whole registry."""
        is_whole = (self.org, self.package) == ("*", "*")
        reads = bool(self.scopes & {Scope.MANAGE, Scope.AUDIT})
        return (self.administrator or self.auditor) and reads and is_whole

    def _reaches(self, package: str | None) -> bool:
        if package is None:
            return self.package == "*" and fnmatchcase("acme", self.org)
        return fnmatchcase("acme", self.org) and fnmatchcase(package, self.package)

    def __str__(self) -> str:
        """Return what a failure calls them."""
        return self.name


NOW = timedelta(minutes=9)
LATE = timedelta(minutes=11)

PERSONAS = (
    Persona("anonymous", Credential.NONE),
    Persona("stranger", Credential.TOKEN, "sam"),
    Persona("member", Credential.TOKEN, "mia", Role.MEMBER),
    Persona("maintainer", Credential.TOKEN, "max", Role.MAINTAINER),
    Persona("owner by token", Credential.TOKEN, "ann", Role.OWNER),
    Persona("owner who pushes alone", Credential.TOKEN, "ann", Role.OWNER, PUSHING),
    Persona("owner who reads alone", Credential.TOKEN, "ann", Role.OWNER, frozenset({Scope.READ})),
    Persona("owner who deprecates", Credential.TOKEN, "ann", Role.OWNER, DEPRECATING),
    Persona("owner signed in", Credential.SESSION, "ann", Role.OWNER, signed_in=NOW),
    Persona("owner signed in long ago", Credential.SESSION, "ann", Role.OWNER, signed_in=LATE),
    Persona("maintainer signed in", Credential.SESSION, "max", Role.MAINTAINER, signed_in=NOW),
    Persona("member signed in", Credential.SESSION, "mia", Role.MEMBER, signed_in=NOW),
    Persona("stranger signed in", Credential.SESSION, "sam", signed_in=NOW),
    Persona("owner elsewhere", Credential.TOKEN, "bob"),
    Persona("owner elsewhere signed in", Credential.SESSION, "bob", signed_in=NOW),
    Persona("organization's token", Credential.MACHINE, "", Role.MAINTAINER, MACHINES),
    Persona("job's token", Credential.MACHINE, "", Role.MAINTAINER, PUSHING, package="p*"),
    Persona("owner for some", Credential.TOKEN, "ann", Role.OWNER, MACHINES, package="p*"),
    Persona("owner for others", Credential.TOKEN, "ann", Role.OWNER, MACHINES, org="other"),
    Persona("owner who manages some", Credential.TOKEN, "ann", Role.OWNER, package="p*"),
    Persona("owner who manages others", Credential.TOKEN, "ann", Role.OWNER, org="other"),
    Persona("another organization's token", Credential.MACHINE, "bob", None, MACHINES),
    Persona("administrator for some", Credential.TOKEN, "admin", package="p*", administrator=True),
    Persona("administrator by token", Credential.TOKEN, "admin", administrator=True),
    Persona(
        "administrator signed in", Credential.SESSION, "admin", administrator=True, signed_in=NOW
    ),
    Persona("scanner", Credential.TOKEN, "admin", None, MODERATING, administrator=True),
    Persona(
        "scanner for some",
        Credential.TOKEN,
        "admin",
        None,
        MODERATING,
        package="p*",
        administrator=True,
    ),
    Persona("workflow of the file", Credential.TOKEN, "admin", None, APPLYING, administrator=True),
    Persona("export of a bank", Credential.TOKEN, "admin", None, AUDITING, administrator=True),
    Persona("auditor by token", Credential.TOKEN, "zoe", auditor=True),
    Persona("auditor signed in", Credential.SESSION, "zoe", auditor=True, signed_in=NOW),
    Persona("expired token", Credential.BAD, "ann"),
    Persona("revoked token", Credential.BAD, "ann"),
    Persona("forged token", Credential.BAD, "ann"),
)


@dataclass(frozen=True)
class SignInWorld:
    """Knows people by a session that a test gives them, and all others as the registry does."""

    authentication: Authentication
    clock: FakeClock
    accounts: Mapping[str, str] = field(default_factory=dict[str, str])  # Names to ids.

    async def authenticate(self, headers: Mapping[str, str], client: RequestClient) -> Principal:
        scheme, _, session = headers.get("authorization", "").partition(" ")
        if scheme != SESSION:
            return await self.authentication.authenticate(headers, client)
        name, _, minutes = session.partition(" ")
        signed_in_ms = self.clock.at_ms - int(minutes) * 60_000
        return Principal(self.accounts[name], "session", (Grant(),), signed_in_ms=signed_in_ms)
