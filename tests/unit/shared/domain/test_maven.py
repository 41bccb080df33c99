"""Documents of Maven, and POMs that are taken."""

from xml.etree import ElementTree as ET

from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.distributions import Distribution
from shared.domain.maven import (
    client_metadata,
    depgraph,
    listeners,
    pom_of,
    repository_metadata,
    tool_metadata,
)
from shared.domain.names import ToolId
from shared.domain.packages import Release, Survey
from shared.domain.release_states import State
from tests.contract.sample_records import release as sample_release
from tests.support.surveys import deprecated, entry, survey

FOUND = Distribution.parse("v2201-13-0")
assert FOUND is not None
UPDATE_13: Distribution = FOUND


def read(document: bytes) -> ET.Element:
    """Return the root of a document."""
    return ET.fromstring(document)


def release(entries: Survey) -> Release:
    """Return a release of the package with the modules of its newest entry."""
    newest = entries.entries[0]
    same = ("version", "digest", "modules", "deprecation")
    fields = {name: getattr(newest, name) for name in same}
    return sample_release("acme/greet:1.0.0", tools=(), **fields)


def test_the_last_update_is_that_of_the_newest_live_release() -> None:
    entries = [
        entry("1.0.0").model_copy(update={"created_ms": 1_790_000_000_000}),
        entry("1.1.0").model_copy(update={"created_ms": 1_780_000_000_999}),
        entry("1.2.0", state=State.HELD).model_copy(update={"created_ms": 1_799_000_000_000}),
    ]
    live = read(repository_metadata(survey(*entries)))
    assert live.findtext("versioning/lastUpdated") == "20260921141320"
    assert [each.text for each in live.iter("version")] == ["1.0.0", "1.1.0"]
    nothing = read(repository_metadata(survey(entries[-1])))
    assert nothing.findtext("versioning/lastUpdated") == "19700101000000"
    early = read(repository_metadata(survey("1.0.0-alpha", "1.0.0-beta")))
    assert early.findtext("versioning/release") == "1.0.0-beta"


def test_the_documents_of_a_package_have_every_element_that_clients_read(
    snapshot: SnapshotAssertion,
) -> None:
    modules = ("greet", "greet.sub")
    entries = (entry("1.0.0", modules=modules), entry("1.1.0-rc.1", tools=("hi",)))
    package = survey(*entries, deprecation="Use other.")
    old = survey(deprecated("1.0.0"))
    graph = b'[{"org":"acme","name":"greet","version":"1.0.0","dependencies":[]}]'
    documents = [
        repository_metadata(package),
        client_metadata(UPDATE_13, "acme", "greet", package),
        client_metadata(UPDATE_13, "acme", "greet", survey("1.1.0", deprecated("1.0.0"))),
        client_metadata(UPDATE_13, "acme", "nothing", None),
        tool_metadata(UPDATE_13, ToolId("hi"), package),
        depgraph(old.head, release(old), graph),
        depgraph(package.head, release(package), graph),
        depgraph(survey("1.0.0").head, release(survey("1.0.0")), graph),
        listeners(['[{"name":"L"}]', "[]"]),
        pom_of(Coordinate.parse("acme", "aws.s3", "1.0.0-rc.1")),
    ]
    assert [each.decode() for each in documents] == snapshot
