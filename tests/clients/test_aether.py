"""What `bal` does with `[[repository.maven]]`, done by the library that it does it with."""

import json
from base64 import b64encode
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.clients.aether import Aether, AetherFailure, Repository, is_newer_than_in_bal
from tests.clients.recorded_registry import Request, Served, served
from tests.paths import BALAS
from tests.support.archives import bala
from tests.support.world import Template

BALA = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
POM = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.pom"
METADATA = "/2.0/maven/acme/greet/maven-metadata.xml"

# Each as organization, name, version and file: what a push takes. `sf-any.bala` is no good one.
_FILES = sorted(BALAS.glob("*-any-*.bala"))
REAL = [(*each.stem.replace("-any-", "-").split("-"), str(each)) for each in _FILES]


@pytest.fixture
def as_bal_asks(aether: Aether) -> None:
    """Skip a test of each request where the library, which is installed by now, is not as in
    `bal`."""
    del aether
    if is_newer_than_in_bal():
        pytest.skip("the Maven resolver of this Debian is newer than that of bal")


@pytest.fixture
def owner(aether: Aether, registry: Served) -> Repository:
    """Return the repository as Ann, who owns `acme`, has it in her settings."""
    return Repository(aether, registry.maven, registry.people.ann)


@pytest.fixture
def stranger(aether: Aether, registry: Served) -> Repository:
    """Return the repository without credentials."""
    return Repository(aether, registry.maven)


def file(folder: Path, coordinate: str = "acme/greet:1.0.0", **spec: object) -> str:
    """Write a bala to the disk and return its path."""
    path = folder / "greet.bala"
    path.write_bytes(bala(coordinate, **spec))
    return str(path)


def lines(requests: list[Request]) -> list[tuple[str, str, int]]:
    """Return what tests compare of requests."""
    return [(each.method, each.path, each.status) for each in requests]


@pytest.mark.usefixtures("as_bal_asks")
def test_a_push_is_these_requests_in_this_order(
    owner: Repository, registry: Served, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    requests = registry.take_requests()
    assert lines(requests) == [
        ("OPTIONS", BALA, 401),
        ("OPTIONS", BALA, 200),
        ("PUT", BALA, 201),
        ("PUT", f"{BALA}.sha1", 201),
        ("PUT", f"{BALA}.md5", 201),
        ("PUT", POM, 201),
        ("PUT", f"{POM}.sha1", 201),
        ("PUT", f"{POM}.md5", 201),
        ("GET", METADATA, 200),
        ("GET", f"{METADATA}.sha1", 200),
        ("PUT", METADATA, 201),
        ("PUT", f"{METADATA}.sha1", 201),
        ("PUT", f"{METADATA}.md5", 201),
    ]
    # The archive is sent once, because the challenge comes before it.
    assert [each.is_authorized for each in requests] == [False] + [True] * 12
    # A server that never answers `100 Continue` costs the client three seconds a file; what it
    # got instead would be a 417, after which it asks for none.
    puts = [each for each in requests if each.method == "PUT"]
    assert {each.headers["expect"] for each in puts} == {"100-continue"}


@pytest.mark.usefixtures("as_bal_asks")
def test_a_later_push_reads_the_metadata_and_adds_to_it(
    owner: Repository, registry: Served, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    owner.do("push", "acme", "greet", "1.1.0", file(tmp_path, "acme/greet:1.1.0"))
    assert {each.status for each in registry.take_requests()} == {200, 201, 401}
    assert owner.do("versions", "acme", "greet") == "[1.0.0, 1.1.0]"


def test_a_public_package_is_listed_and_pulled_without_credentials_and_with_them(
    owner: Repository, stranger: Repository, registry: Served, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    registry.take_requests()
    for repository in (owner, stranger):
        listed, pulled = repository.do_all(
            [("versions", "acme", "greet"), ("pull", "acme", "greet", "1.0.0")]
        )
        assert listed == "[1.0.0]"
        assert Path(pulled).read_bytes() == bala()
    # Nothing asked for credentials, so none were sent.
    assert not any(each.is_authorized for each in registry.take_requests())


def test_a_private_package_is_listed_and_pulled_by_members_alone(
    owner: Repository, stranger: Repository, registry: Served, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path, visibility="private"))
    [pulled] = owner.do_all([("pull", "acme", "greet", "1.0.0")])
    assert Path(pulled).read_bytes() == bala(visibility="private")
    assert owner.do("versions", "acme", "greet") == "[1.0.0]"
    assert stranger.do("versions", "acme", "greet") == "[]"
    with pytest.raises(AetherFailure, match="status code: 401"):
        stranger.do("pull", "acme", "greet", "1.0.0")
    outsider = Repository(owner.aether, registry.maven, registry.people.bob)
    assert outsider.do("versions", "acme", "greet") == "[]"
    with pytest.raises(AetherFailure, match="Could not find artifact acme:greet:bala"):
        outsider.do("pull", "acme", "greet", "1.0.0")


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_every_real_archive_can_be_deployed_and_resolved(
    aether: Aether, registry: Served, tmp_path: Path, visibility: str
) -> None:
    admin = Repository(aether, registry.maven, registry.people.admin)
    if visibility == "private":
        # The first archive of a package decides who sees all of them.
        for org, name, _, _ in REAL:
            first = file(tmp_path, f"{org}/{name}:0.0.1", visibility="private")
            admin.do("push", org, name, "0.0.1", first)
    admin.do_all([("push", *each) for each in REAL])
    reader = admin if visibility == "private" else Repository(aether, registry.maven)
    listed = reader.do_all([("versions", org, name) for org, name, _, _ in REAL])
    assert [each[2] in found for each, found in zip(REAL, listed, strict=True)] == [True] * 5
    pulled = reader.do_all([("pull", *each[:3]) for each in REAL])
    for each, path in zip(REAL, pulled, strict=True):
        assert Path(path).read_bytes() == Path(each[3]).read_bytes()


def test_other_bytes_for_a_version_are_a_conflict_that_the_user_reads(
    owner: Repository, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    with pytest.raises(AetherFailure) as shown:
        owner.do("push", "acme", "greet", "1.0.0", file(tmp_path, summary="Changed."))
    assert str(shown.value).startswith(
        "Failed to deploy artifacts: Could not transfer artifact acme:greet:bala:1.0.0"
    )
    assert "409" in str(shown.value)


def test_the_same_push_again_is_fine(owner: Repository, tmp_path: Path) -> None:
    archive = file(tmp_path)
    assert owner.do_all([("push", "acme", "greet", "1.0.0", archive)] * 2) == ["", ""]


def test_a_snapshot_is_pushed_once_and_pulled(
    owner: Repository, stranger: Repository, registry: Served, tmp_path: Path
) -> None:
    snapshot = ("acme", "greet", "1.0.0-SNAPSHOT")
    owner.do("push", *snapshot, file(tmp_path, "acme/greet:1.0.0-SNAPSHOT"))
    [put] = [
        e.path for e in registry.take_requests() if e.path.endswith(".bala") and e.method == "PUT"
    ]
    assert "SNAPSHOT" not in put.rpartition("/")[2]
    assert stranger.do("versions", "acme", "greet") == "[1.0.0-SNAPSHOT]"
    pulled = stranger.do("pull", *snapshot)
    assert Path(pulled).read_bytes() == bala("acme/greet:1.0.0-SNAPSHOT")
    with pytest.raises(AetherFailure, match="409"):
        owner.do("push", *snapshot, file(tmp_path, "acme/greet:1.0.0-SNAPSHOT", summary="New."))


def test_without_credentials_nothing_is_pushed(stranger: Repository, tmp_path: Path) -> None:
    with pytest.raises(AetherFailure, match="401"):
        stranger.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    assert stranger.do("versions", "acme", "greet") == "[]"


@pytest.mark.usefixtures("as_bal_asks")
@pytest.mark.parametrize("name", ["bom.cdx.json", "greet-1.0.0.cdx.json"])
def test_a_bill_of_materials_follows_with_a_challenge_of_its_own(
    owner: Repository, registry: Served, tmp_path: Path, name: str
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    registry.take_requests()
    sbom = tmp_path / name
    sbom.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6"}')
    owner.do("sbom", f"acme/greet/1.0.0/{name}", str(sbom))
    path = f"/2.0/maven/acme/greet/1.0.0/{name}"
    assert lines(registry.take_requests()) == [
        ("OPTIONS", path, 401),
        ("OPTIONS", path, 200),
        ("PUT", path, 201),
    ]


def test_names_keep_their_dots(owner: Repository, stranger: Repository, tmp_path: Path) -> None:
    owner.do("push", "acme", "aws.s3", "1.0.0", file(tmp_path, "acme/aws.s3:1.0.0"))
    pulled = stranger.do("pull", "acme", "aws.s3", "1.0.0")
    assert Path(pulled).read_bytes() == bala("acme/aws.s3:1.0.0")


# --- The proxy of Central ----------------------------------------------------------------------


def metadata_of(repository: Repository, group: str, artifact: str) -> ET.Element:
    """Return the document that the client reads at this address."""
    return ET.parse(repository.do("metadata", f"v2201-13-0.{group}", artifact)).getroot()


def test_a_build_reads_versions_then_graphs_then_archives(
    owner: Repository, stranger: Repository, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path, dependencies=["acme/base:1.0.0"]))
    root = metadata_of(stranger, "acme", "greet")
    assert [each.text for each in root.iter("number")] == ["1.0.0"]
    graph = json.loads(Path(stranger.do("graph", "acme", "greet", "1.0.0")).read_bytes())
    [resolved] = graph["resolved"]
    assert [node["name"] for node in resolved["dependencyGraph"]] == ["greet", "base"]


def test_a_search_with_a_slash_and_a_plus_in_its_base64_arrives(
    owner: Repository, stranger: Repository, registry: Served, tmp_path: Path
) -> None:
    words = b64encode(b"ab?cd>greet").decode().rstrip("=")
    assert words == "YWI/Y2Q+Z3JlZXQ"
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
    root = metadata_of(stranger, "__packagesearch__", words)
    assert root.findtext("artifactId") == words
    assert registry.take_requests()[-1].status == 200


def test_a_client_with_credentials_is_challenged_where_they_help(
    owner: Repository, stranger: Repository, tmp_path: Path
) -> None:
    owner.do("push", "acme", "greet", "1.0.0", file(tmp_path, visibility="private"))
    root = metadata_of(owner, "acme", "greet")
    assert [each.text for each in root.iter("number")] == ["1.0.0"]
    with pytest.raises(AetherFailure, match="401"):
        metadata_of(stranger, "acme", "greet")


def test_on_a_registry_that_nobody_reads_without_a_token_one_credential_does_everything(
    aether: Aether, template: Template, tmp_path: Path
) -> None:
    with served(template, tmp_path / "data", readers="signed_in") as closed:
        owner = Repository(aether, closed.maven, closed.people.ann)
        stranger = Repository(aether, closed.maven)
        owner.do("push", "acme", "greet", "1.0.0", file(tmp_path))
        closed.take_requests()
        listed, pulled = owner.do_all(
            [("versions", "acme", "greet"), ("pull", "acme", "greet", "1.0.0")]
        )
        assert (listed, Path(pulled).read_bytes()) == ("[1.0.0]", bala())
        # Each command asks without its credential first, as the client does everywhere.
        assert [each.status for each in closed.take_requests()] == [401, 200, 200, 401, 200]
        assert stranger.do("versions", "acme", "greet") == "[]"
        with pytest.raises(AetherFailure, match="status code: 401"):
            stranger.do("pull", "acme", "greet", "1.0.0")
