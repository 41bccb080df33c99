"""Records for the suites, with a name for what matters and a value for what does not."""

from typing import Any

from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.archives.digests import Digest
from shared.domain.archives.names import ArchiveName
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.events import Event
from shared.domain.grants import Grant
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Origin, Release, ReleaseEntry
from shared.domain.tokens import Token
from shared.domain.versions import Version

GREET = Package.parse("acme", "greet")
BALA = b"PK\x03\x04 the bytes of an archive"
DIGEST = Digest.of(BALA)
NAME = ArchiveName(DIGEST, GREET.at(Version.parse("1.0.0")), "any")


def package(text: str) -> Package:
    """Return the package `org/name`."""
    org, name = text.split("/")
    return Package.parse(org, name)


def coordinate(text: str) -> Coordinate:
    """Return the coordinate `org/name:version`."""
    name, version = text.split(":")
    return package(name).at(Version.parse(version))


def named(content: bytes) -> ArchiveName:
    return replace(NAME, digest=Digest.of(content))


def head(text: str = "acme/greet", **fields: Any) -> Head:
    """Return the head of a package."""
    named = package(text)
    return Head.model_validate({"org": named.org, "name": named.name, "created_ms": 1, **fields})


def release(text: str = "acme/greet:1.0.0", **fields: Any) -> Release:
    """Return a release whose archive is like no other."""
    named = coordinate(text)
    defaults = {
        "digest": Digest.of(named.key.encode()).hex,
        "size_bytes": 20_000,
        "platform": "any",
        "created_ms": 1,
        "origin": Origin(principal="alice"),
    }
    spelled = {"org": named.package.org, "name": named.package.name, "version": str(named.version)}
    return Release.model_validate({**spelled, **defaults, **fields})


def entry(version: str = "1.0.0", **fields: Any) -> ReleaseEntry:
    """Return an entry of the package `acme/greet`."""
    return ReleaseEntry.of(release(f"acme/greet:{version}", **fields))


def event(id_: str, at_ms: int = 1, org: str = "") -> Event:
    """Return a change."""
    subject = "acme/greet:1.0.0"
    return Event(id=id_, kind="pushed", at_ms=at_ms, actor="alice", subject=subject, org=org)


def graph(*names: str) -> Graph:
    """Return a graph of packages without dependencies."""
    named = map(package, names)
    return Graph(nodes=tuple(GraphNode(org=p.org, name=p.name, version="1.0.0") for p in named))


def account(id_: str = "a1", name: str = "Alice") -> Account:
    """Return a person."""
    return Account(id=id_, name=name, created_ms=1)


def organization(name: str = "acme", founder: str = "a1", **fields: Any) -> Organization:
    return Organization(name=name, founder=founder, created_ms=1, **fields)


def token(id_: str = "t1", hash_: str = "h1", owner: str = "a1", **fields: Any) -> Token:
    """Return an access token."""
    named = {"id": id_, "hash": hash_, "owner": owner, "name": "laptop"}
    defaults = {"created_ms": 1, "expires_ms": 1_000, "grants": (Grant(),)}
    return Token.model_validate({**named, **defaults, **fields})
