"""Principals: who makes a request, from which address, what their credential allows, and which role
and scope an action needs.
"""

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import SignInAgain
from shared.domain.names import OrgName, Package
from shared.domain.packages import Provenance
from shared.domain.records import Record
from shared.domain.times import MS

# What an action applies to: a package, or a whole organization.
Resource = Package | OrgName


class Scope(Enum):
    """A set of actions that a credential permits; every action needs one."""

    READ = "read"
    PUSH_NEW = "push-new"
    PUSH_VERSION = "push-version"
    DEPRECATE = "deprecate"
    MANAGE = "manage"


class Role(Enum):
    """The role of an account in an organization."""

    OWNER = "owner"
    MAINTAINER = "maintainer"
    MEMBER = "member"


class Action(Enum):
    """Something that a principal may do with a package or an organization."""

    READ = "read"
    PUSH_NEW = "publish the new package"
    PUSH_VERSION = "publish a version of"
    DEPRECATE = "deprecate"
    MANAGE = "manage"
    LEAVE = "leave"
    GOVERN = "govern"
    OPERATE = "moderate"

    @property
    def verb(self) -> str:
        """The verb after "You may not …"; the same for new and existing packages."""
        return "publish" if self in PUSH_ACTIONS else self.value


# The table of rights: an action needs this scope of the credential, and one of these roles in the
# organization. Administrators have every role everywhere, and only they may OPERATE. READ is
# checked for private packages only, because everybody may read public ones.
RIGHTS: dict[Action, tuple[Scope, frozenset[Role]]] = {
    Action.READ: (Scope.READ, frozenset({Role.OWNER, Role.MAINTAINER, Role.MEMBER})),
    Action.PUSH_NEW: (Scope.PUSH_NEW, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.PUSH_VERSION: (Scope.PUSH_VERSION, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.DEPRECATE: (Scope.DEPRECATE, frozenset({Role.OWNER, Role.MAINTAINER})),
    Action.MANAGE: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.LEAVE: (Scope.MANAGE, frozenset(Role)),
    Action.GOVERN: (Scope.MANAGE, frozenset({Role.OWNER})),
    Action.OPERATE: (Scope.MANAGE, frozenset()),
}

# Actions that also require a recent sign-in: those that give somebody a way to publish that
# outlives the credential (roles, invitations, tokens of organizations, publishers), owners,
# visibility, transfers, deletion, tokens with the scope manage, and changes of the whole
# registry. No token is enough, whatever its scopes.
RECENT_SIGN_IN_ACTIONS = frozenset({Action.GOVERN, Action.OPERATE})

# Refused in an organization that is being deleted.
PUSH_ACTIONS = frozenset({Action.PUSH_NEW, Action.PUSH_VERSION})

PUBLISHING_SCOPES = frozenset({Scope.PUSH_NEW, Scope.PUSH_VERSION})

PUBLISHING_ROLES = RIGHTS[Action.PUSH_VERSION][1]  # The roles that publish anything.

ANY_NAME = "*"


class Grant(Record):
    """Scopes on the packages that match both patterns (`*` and `?`)."""

    scopes: frozenset[Scope] = frozenset(Scope)
    org: str = ANY_NAME
    package: str = ANY_NAME

    def covers(self, scope: Scope, resource: Resource) -> bool:
        return scope in self.scopes and self._matches(resource)

    def includes(self, other: "Grant") -> bool:
        """Check whether a holder of this grant may create one with `other`: nobody grants more than
        they have.

        A pattern includes itself, and `*` includes every pattern; others are not compared.
        """
        return (
            other.scopes <= self.scopes
            and self.org in (ANY_NAME, other.org)
            and self.package in (ANY_NAME, other.package)
        )

    def _matches(self, resource: Resource) -> bool:
        if isinstance(resource, Package):
            return matches_pattern(resource.org, self.org) and matches_pattern(
                resource.name, self.package
            )
        # A grant for some packages of an organization does not cover the organization itself.
        return matches_pattern(resource, self.org) and self.package == ANY_NAME


def org_of(resource: Resource) -> OrgName:
    return resource.org if isinstance(resource, Package) else resource


def matches_pattern(name: str, pattern: str) -> bool:
    """Match a name against a pattern, without case."""
    return fnmatchcase(name.lower(), pattern.lower())


OPERATOR_ID = "operator"  # Shorter than any account's id, so no account and no token has it.


class Principal(Struct, frozen=True):
    """Who makes a request: an account id, its credential, and what the credential allows.

    The id is empty for a request without credentials. `expires_ms` is when the token expires;
    tokens created with it expire no later. `organization` is that of its token or CI job, which
    has the role maintainer there without an account. `signed_in_ms` is when the person last signed
    in, None for tokens. `address` and `agent` are the client's. `provenance` is the CI job of a
    job's token. `addresses` are the ranges that the token may be used from; empty means everywhere.
    `token` is the id of a stored access token, which marks whatever is created with it;
    `token_creator` is the account that created a token of an organization.
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
    addresses: tuple[str, ...] = ()
    token: str = ""
    token_creator: str = ""

    @property
    def is_anonymous(self) -> bool:
        return not self.id

    @property
    def is_operator(self) -> bool:
        """Whether this is the operator, who runs commands on the registry's machine."""
        return self.id == OPERATOR_ID

    def granted_roles(self, org: OrgName) -> frozenset[Role]:
        """Return the roles in the organization that the credential itself grants."""
        is_own = bool(self.organization) and self.organization.lower() == org.lower()
        return frozenset({Role.MAINTAINER}) if is_own else frozenset()

    def allows(self, scope: Scope, resource: Resource) -> bool:
        """Check whether a grant covers `scope` on `resource`; its owner needs a role besides."""
        return any(grant.covers(scope, resource) for grant in self.grants)

    @property
    def reads_internal(self) -> bool:
        """Whether the credential reads internal packages: it has the scope read for anything."""
        return any(Scope.READ in grant.scopes for grant in self.grants)

    @property
    def manages_everything(self) -> bool:
        """Whether the credential has the scope manage for all organizations and packages."""
        everything = Grant(scopes=frozenset({Scope.MANAGE}))
        return any(grant.includes(everything) for grant in self.grants)

    def may_grant(self, wanted: Grant) -> bool:
        """Check whether the credential may create another one with the grant `wanted`."""
        return any(Scope.MANAGE in grant.scopes and grant.includes(wanted) for grant in self.grants)


ANONYMOUS = Principal()
OPERATOR = Principal(id=OPERATOR_ID, credential="console", grants=(Grant(),))
UPKEEP = Principal(id="upkeep", credential="upkeep")  # The actor of maintenance tasks.


RECENT_SIGN_IN = timedelta(minutes=10)  # Long enough to read a page before a change.


def is_recently_signed_in(principal: Principal, now_ms: int) -> bool:
    """Check whether the session began at most `RECENT_SIGN_IN` ago; False for tokens."""
    if principal.signed_in_ms is None:
        return False
    return now_ms - principal.signed_in_ms <= RECENT_SIGN_IN // MS


def require_recent_sign_in(by: Principal, now_ms: int, verb: str, what: str) -> None:
    """Raise `SignInAgain` unless `by` is the operator or signed in recently.

    `verb` and `what` complete "To …, sign in again".
    """
    if not by.is_operator and not is_recently_signed_in(by, now_ms):
        raise SignInAgain(verb, what)


Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

# An IPv6 client has a whole /64 network, so its addresses count as one caller.
_PREFIX = 64

_LONGEST = 200  # Characters: the header of a request through five proxies.


def parse_networks(text: str) -> Networks:
    """Parse networks in CIDR form, or single addresses, separated by commas or spaces.

    Raises `ValueError`, which names the first that is invalid.
    """
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def is_within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine, by its name or address."""
    parsed = _parsed(host)
    return host == "localhost" if parsed is None else parsed.is_loopback


def is_shared(address: str, proxies: Networks) -> bool:
    """Check whether many callers may share the address: this machine, a proxy of ours, or none."""
    parsed = _parsed(address)
    return parsed is None or parsed.is_loopback or is_within(parsed, proxies)


def client_address(forwarded: str, proxies: Networks) -> str:
    """Return the address of the client; empty where it is unknown.

    `forwarded` is `X-Forwarded-For` with the peer at its end, where the host adds it. The peer is
    the client, unless it is one of our `proxies`: then the next address to the left is, and so on.
    Addresses further left are ignored: anybody can write them.
    """
    # Cached for repeated clients; unusually long headers are not cached.
    read = _remembered if len(forwarded) <= _LONGEST else _read
    return read(forwarded, proxies)


def _read(forwarded: str, proxies: Networks) -> str:
    nearest = ""
    for claim in reversed(forwarded.split(",")):
        address = _parsed(claim)
        if address is None:
            return nearest  # The proxy counts as the client when it forwards nonsense.
        nearest = str(address)
        if not is_within(address, proxies):
            return nearest
    return nearest


def _parsed(text: str) -> Address | None:
    """Read an address with or without a port, as proxies and front ends write them."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


_remembered = lru_cache(maxsize=4_096)(_read)


@lru_cache(maxsize=4_096)  # By canonical addresses, not by what clients send.
def caller_network(address: str) -> str:
    """Return the network that counts as one caller: an IPv4 address, or the /64 network of an IPv6
    address."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(IPv6Network((parsed, _PREFIX), strict=False).network_address)


MAX_RANGES = 20  # Each is compared with each request.
LONGEST_RANGE = 49  # Characters: an IPv6 address in full, with an IPv4 tail, a slash and a prefix.

_MAPPED_BITS = 96  # The prefix of an IPv6 address that maps an IPv4 one.
Network = IPv4Network | IPv6Network


def parse_ranges(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ranges in canonical spelling, without duplicates.

    Raises `InvalidRequest` for the first that is invalid.
    """
    ranges = tuple(dict.fromkeys(_spelled(text.strip()) for text in texts))
    if len(ranges) > MAX_RANGES:
        message = (
            f"A token takes {MAX_RANGES} ranges of addresses at most, not {len(ranges)}. "
            "Join neighbours into larger ranges."
        )
        raise InvalidRequest(message)
    return ranges


def is_address_allowed(ranges: tuple[str, ...], address: str) -> bool:
    """Check whether `address` is in one of the ranges; no ranges means no limit.

    An unreadable address is in no range.
    """
    if not ranges:
        return True
    try:
        asked = _unmapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(asked in network for network in _networks(ranges))


def are_ranges_within(ranges: tuple[str, ...], limits: tuple[str, ...]) -> bool:
    """Check that `ranges` hold nothing outside `limits`; no ranges means every address."""
    if not limits:
        return True
    return bool(ranges) and all(
        any(_is_part(inner, outer) for outer in _networks(limits)) for inner in _networks(ranges)
    )


def _is_part(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


@lru_cache(maxsize=1024)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in ranges)


def _spelled(text: str) -> str:
    try:
        network = _unmapped_network(_network(text))
    except ValueError:
        raise InvalidRequest(_no_range(text)) from None
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return str(network)


def _network(text: str) -> Network:
    """Read an address, or a range whose bits after the prefix are 0."""
    # ip_network also reads netmasks such as /255.0.0.0, which other tools read differently.
    prefix = text.partition("/")[2]
    if len(text) > LONGEST_RANGE or "%" in text or not (prefix.isdecimal() or "/" not in text):
        raise ValueError
    return ip_network(text)


def _no_range(text: str) -> str:
    return (
        f"{text[:LONGEST_RANGE]!r} is not a range of addresses. Write one address, such as "
        "203.0.113.7, or the first address of a range with its prefix, such as 203.0.113.0/24 or "
        "2001:db8::/32."
    )


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _unmapped_network(network: Network) -> Network:
    """Return the IPv4 range that an IPv6 range maps, such as ::ffff:192.0.2.0/120."""
    first = _unmapped(network.network_address)
    if isinstance(network, IPv6Network) and isinstance(first, IPv4Address):
        return ip_network((first, network.prefixlen - _MAPPED_BITS))
    return network
