"""Bills of materials and lists of Java libraries, as the task `release` makes them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from shared.confined import jar_files, release_docs, sboms
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.packages import Dependency
from tests.support.archives import noise, zipped
from tests.support.release_jobs import Jobs, ReleaseJob, a_request

JAR = "platform/java21/greet-native-1.0.0.jar"
SQL = "platform/java21/sql.jar"


def pom(group: str, artifact: str, version: str) -> dict[str, bytes | str]:
    name = f"META-INF/maven/{group}/{artifact}/pom.properties"
    return {name: f"#Generated\nversion={version}\ngroupId={group}\nartifactId={artifact}\n"}


def named(path: str, group: str, artifact: str, version: str) -> dict[str, str]:
    return {"path": path, "groupId": group, "artifactId": artifact, "version": version}


def manifest(*libraries: dict[str, str]) -> str:
    return json.dumps({"platformDependencies": libraries})


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """Return what makes and runs a job with these files of the archive."""

    def job(files: dict[str, Any] | None = None, **facts: Any) -> ReleaseJob:
        content = {"modules/shop/main.bal": "", **(files or {})}
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        made = ReleaseJob(folder, content, a_request(**facts))
        made.run()
        assert made.refused == {}
        return made

    return job


def libraries(job: ReleaseJob) -> list[dict[str, str]]:
    return job.json(PieceKind.JAVA_LIBRARIES)


def library(jobs: Jobs, jar: bytes, path: str = JAR) -> list[dict[str, str]]:
    """Return what is listed of one JAR."""
    return libraries(jobs({path: jar}))


# --- Java libraries


def test_a_jar_is_listed_with_its_hash_and_the_coordinate_of_the_manifest(jobs: Jobs) -> None:
    jar = zipped(pom("org.sql", "sql", "2.0"))
    listed = manifest(named(r".\platform\java21\sql.jar", "com.acme", "sql", "2.1"))
    job = jobs({SQL: jar, "package.json": listed})
    first, inside = libraries(job)
    digest = hashlib.sha256(jar).hexdigest()
    assert first == {
        "path": SQL,
        "sha256": digest,
        "group": "com.acme",
        "artifact": "sql",
        "version": "2.1",
    }
    assert inside == {"path": SQL, "group": "org.sql", "artifact": "sql", "version": "2.0"}


def test_a_jar_that_the_manifest_does_not_name_says_itself_what_it_is(jobs: Jobs) -> None:
    [found] = library(jobs, zipped(pom("org.sql", "sql", "2.0")))
    assert (found["group"], found["artifact"], found["version"]) == ("org.sql", "sql", "2.0")


def test_libraries_that_were_packed_into_a_jar_are_listed_behind_it(jobs: Jobs) -> None:
    jar = zipped(pom("com.acme", "greet-native", "1.0.0") | pom("org.log", "log", "2.14"))
    own, inside = library(jobs, jar)
    assert (own["artifact"], inside["artifact"]) == ("greet-native", "log")
    assert "sha256" not in inside


def test_jars_of_tools_plugins_and_other_folders_are_listed(jobs: Jobs) -> None:
    paths = ["compiler-plugin/libs/a.jar", "resources/B.JAR", "tool/libs/c.jar"]
    job = jobs(dict.fromkeys(paths, zipped({})))
    assert [each["path"] for each in libraries(job)] == paths


def test_the_go_layout_names_libraries_in_ballerina_toml(jobs: Jobs) -> None:
    toml = '[[platform.java21.dependency]]\npath = "libs/sql.jar"\n'
    toml += 'groupId = "org.sql"\nartifactId = "sql"\nversion = "3.0"\n'
    job = jobs({SQL: b"x", "Ballerina.toml": toml}, bala_version="4")
    assert libraries(job)[0]["version"] == "3.0"


BROKEN = "it is no ZIP archive, or a broken one"
LARGE = {"META-INF/maven/org.sql/sql/pom.properties": b"#" * (10 * 1024 * 1024)}
PROBLEMS = {
    "no zip": (b"no zip", BROKEN),
    "cut": (zipped(pom("org.sql", "sql", "2.0"))[:-30], BROKEN),
    "damaged": (zipped(pom("org.sql", "sql", "2.0")).replace(b"META", b"METB", 1), BROKEN),
    "10 MB of properties": (
        zipped(LARGE),
        "its entry META-INF/maven/org.sql/sql/pom.properties has more than 64 KiB",
    ),
    "400 libraries": (
        zipped({k: v for n in range(400) for k, v in pom("org.x", f"lib{n}", "1").items()}),
        "it has more than 300 libraries inside",
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_jar_that_cannot_be_read_keeps_its_hash_and_says_why(jobs: Jobs, problem: str) -> None:
    jar, reason = PROBLEMS[problem]
    found = library(jobs, jar)[0]
    assert found["sha256"] == hashlib.sha256(jar).hexdigest()
    assert found["problem"] == reason


def test_a_large_jar_is_hashed_and_not_opened(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jar_files, "MAX_OPENED_BYTES", 1024 * 1024)
    jar = bytes(5 * 1024 * 1024)
    [found] = library(jobs, jar)
    assert found["sha256"] == hashlib.sha256(jar).hexdigest()
    assert found["problem"] == "a JAR of more than 1 MiB is not opened"


def test_a_jar_with_a_long_list_of_files_is_not_listed(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jar_files, "MAX_LISTING_BYTES", 50)
    [found] = library(jobs, zipped(pom("org.sql", "sql", "2.0")))
    assert found["problem"] == "its list of files is too long"


INJECTED = ["a@9?x", "a/b", "a b", "a%2e", "ü", "", "a" * 300, "a\nb", "-x", "a#b"]


@pytest.mark.parametrize("text", INJECTED)
def test_a_coordinate_with_other_characters_is_none(jobs: Jobs, text: str) -> None:
    jar = zipped({"META-INF/maven/x/y/pom.properties": f"groupId={text}\nartifactId=y\nversion=1"})
    job = jobs({SQL: jar, "package.json": manifest(named(SQL, "org.sql", text, "1"))})
    assert "group" not in libraries(job)[0] or libraries(job)[0]["group"] != text
    validated(job)


def test_what_a_manifest_names_and_the_archive_lacks_is_not_listed(jobs: Jobs) -> None:
    other: list[Any] = [7, {"path": 7}, {"scope": "provided", "artifactId": "a"}]
    listed = json.dumps({"platformDependencies": [*other, named("b.jar", "g", "a", "1")]})
    assert libraries(jobs({"package.json": listed})) == []
    assert libraries(jobs({"package.json": "no JSON"})) == []


# --- The bill of materials


def validated(job: ReleaseJob) -> Any:
    """Return the bill of materials, which the schema of CycloneDX allows."""
    text = job.text(PieceKind.SBOM)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


GRAPH = Graph(
    nodes=(
        GraphNode(
            org="acme",
            name="shop",
            version="1.2.0",
            dependencies=(Dependency(org="ballerina", name="io", version="1.6.0"),),
        ),
        GraphNode(
            org="ballerina",
            name="io",
            version="1.6.0",
            dependencies=(Dependency(org="ballerina", name="jballerina.java", version="0.0.0"),),
        ),
    )
)


def test_a_bill_names_the_release_its_dependencies_and_libraries(jobs: Jobs) -> None:
    jar = zipped(pom("com.acme", "greet-native", "1.0.0") | pom("org.log", "log", "2.14"))
    job = jobs(
        {JAR: jar},
        graph=GRAPH,
        licenses=("Apache-2.0",),
        authors=("Ann",),
        source_repository="https://git.example.org/acme/shop",
    )
    bill = validated(job)
    root = bill["metadata"]["component"]
    assert root["purl"] == "pkg:ballerina/acme/shop@1.2.0"
    assert root["supplier"] == {"name": "acme"}
    assert root["licenses"] == [{"license": {"acknowledgement": "declared", "id": "Apache-2.0"}}]
    assert bill["metadata"]["timestamp"] == "2026-09-21T14:13:20+00:00"
    assert bill["serialNumber"] == "urn:uuid:abababab-abab-5bab-abab-abababababab"
    components = {each["bom-ref"]: each for each in bill["components"]}
    assert sorted(components) == [
        f"jar:{JAR}",
        "pkg:ballerina/ballerina/io@1.6.0",
        "pkg:ballerina/ballerina/jballerina.java@0.0.0",
    ]
    native = components[f"jar:{JAR}"]
    assert native["purl"] == "pkg:maven/com.acme/greet-native@1.0.0"
    [hashed] = native["hashes"]
    assert hashed == {"alg": "SHA-256", "content": hashlib.sha256(jar).hexdigest()}
    assert [each["purl"] for each in native["components"]] == ["pkg:maven/org.log/log@2.14"]
    edges = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert edges["pkg:ballerina/acme/shop@1.2.0"] == [
        f"jar:{JAR}",
        "pkg:ballerina/ballerina/io@1.6.0",
    ]


def test_the_same_release_has_the_same_bytes(jobs: Jobs) -> None:
    files = {f"platform/java21/{n}.jar": zipped({f"{n}": ""}) for n in range(20)}
    reordered = dict(reversed(files.items()))
    first, second = (jobs(each, graph=GRAPH).text(PieceKind.SBOM) for each in (files, reordered))
    assert first == second


LICENSES: dict[tuple[str, ...], list[Any]] = {
    ("MIT",): [{"license": {"acknowledgement": "declared", "id": "MIT"}}],
    ("mit", "Ours"): [
        {"license": {"acknowledgement": "declared", "id": "MIT"}},
        {"license": {"acknowledgement": "declared", "name": "Ours"}},
    ],
    ("MIT OR Apache-2.0",): [
        {"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"},
    ],
    ("MIT OR Apache-2.0", "MIT"): [
        {"license": {"acknowledgement": "declared", "id": "MIT"}},
        {"license": {"acknowledgement": "declared", "name": "MIT OR Apache-2.0"}},
    ],
    ("(" * 10_000,): [{"license": {"acknowledgement": "declared", "name": "(" * 200 + "…"}}],
}


@pytest.mark.parametrize("texts", LICENSES)
def test_a_license_is_an_spdx_id_an_expression_or_a_name(
    jobs: Jobs, texts: tuple[str, ...]
) -> None:
    bill = validated(jobs(licenses=texts))
    assert bill["metadata"]["component"]["licenses"] == LICENSES[texts]


def test_hostile_texts_make_a_valid_bill(jobs: Jobs) -> None:
    hostile = '\u202e"}],\x00<script>\ud800'
    job = jobs(
        {'platform/java21/"},\u202e.jar': b"x"},
        summary=hostile.replace("\ud800", ""),
        authors=(hostile.replace("\ud800", ""),),
        licenses=(hostile.replace("\ud800", ""),),
        source_repository="javascript:alert(1)",
    )
    assert "externalReferences" not in validated(job)["metadata"]["component"]


def test_too_many_components_are_refused_and_the_libraries_listed(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sboms, "MAX_COMPONENTS", 10)
    job = jobs({f"platform/java21/{n}.jar": b"x" for n in range(11)}, graph=Graph())
    assert job.names(PieceKind.SBOM) == []
    assert len(libraries(job)) == 11
    assert job.ended["sbom"] == "it has 11 components, and the registry lists 10 at most"


# --- The author's


def test_the_bill_of_the_author_is_kept_byte_for_byte(jobs: Jobs) -> None:
    texts = {"docs/bom.cdx.json": b" {}", "bom.cdx.json": b'\xff{"bomFormat": 1}\r\n'}
    assert jobs(texts).pieces["author-sbom.json"] == b'\xff{"bomFormat": 1}\r\n'
    assert jobs().names(PieceKind.AUTHOR_SBOM) == []


def test_a_bill_of_the_author_that_is_too_large_is_refused(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_docs, "MAX_SBOM_BYTES", 100)
    job = jobs({"bom.cdx.json": noise(101)})
    assert job.names(PieceKind.AUTHOR_SBOM) == []
    assert job.ended["author-sbom"] == "it has 101 bytes, and the registry shows 100 at most"
