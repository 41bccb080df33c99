"""JARs and bills of materials that were made to cost a lot, in the confined process itself."""

import io
import json
import zipfile
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.confined.budget import RELEASE_BUDGET
from shared.confined.job_files import AUTHOR_SBOM, DIFFERENCES, OUTPUT, REGISTRY_SBOM
from shared.confined.jobs import PartResult
from shared.confined.process import ConfinedProcess
from shared.domain.sboms import MAX_SBOM_BYTES
from shared.services.api_docs.api_docs_generation import job_folder
from tests.support.archives import zipped
from tests.support.release_jobs import ReleaseJob, a_request

MIB = 1024 * 1024


@pytest.fixture
async def process(tmp_path: Path) -> AsyncGenerator[ConfinedProcess]:
    confined = ConfinedProcess(tmp_path / "machine", RELEASE_BUDGET)
    yield confined
    await confined.close()


def stored(files: Mapping[str, bytes | str]) -> bytes:
    """Return a ZIP archive whose entries are not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def many_entries(count: int) -> bytes:
    return stored({str(number): "" for number in range(count)})


def poms(count: int) -> bytes:
    text = "groupId=g\nversion=1\nartifactId="
    return stored({f"META-INF/maven/g/a{n}/pom.properties": f"{text}a{n}\n" for n in range(count)})


# Made when a test needs them.
JARS: dict[str, Callable[[], Mapping[str, bytes]]] = {
    "500 MB of zeros": lambda: {"platform/java21/zeros.jar": bytes(500 * MIB)},
    "10,000 JARs": lambda: {f"platform/java21/{n}.jar": b"x" for n in range(10_000)},
    "a JAR of 60,000 files": lambda: {"platform/java21/files.jar": many_entries(60_000)},
    "JARs of 300 libraries": lambda: {f"platform/java21/{n}.jar": poms(300) for n in range(100)},
    "a bomb of properties": lambda: {
        "platform/java21/bomb.jar": zipped(
            {f"META-INF/maven/g/a{n}/pom.properties": b"a" * (10 * MIB) for n in range(20)}
        )
    },
    "long nested names": lambda: {
        f"{'platform/' * 100}{n}.jar.jar!/x.jar": b"x" for n in range(500)
    },
}


@pytest.mark.parametrize("name", JARS)
async def test_hostile_jars_end_within_the_budget_of_a_release(
    process: ConfinedProcess, name: str
) -> None:
    """The list is made, or refused with a reason; the documentation is made in any case."""
    source = {"modules/shop/main.bal": "public function open() {}"}
    async with job_folder() as folder:
        job = ReleaseJob(folder, {**source, **JARS[name]()}, a_request())
        parts = {each.name: each for each in await process.run("release", folder, None)}
        assert parts["finish"].refused is None
        assert any(each.startswith("symbols") for each in parts)
        assert _outcome(parts["libraries"]) == ""
        assert "java-libraries.json" in job.pieces
        found = json.loads(job.pieces["java-libraries.json"])
        assert all(each.get("sha256") or each.get("artifact") for each in found)
        expected = {"10,000 JARs": "components", "JARs of 300 libraries": "components"}
        assert expected.get(name, "") in _outcome(parts["sbom"])
        assert ("sbom.json" in job.pieces) == (name not in expected)


def _outcome(part: PartResult) -> str:
    return part.refused or (part.result if isinstance(part.result, str) else "")


def deep(levels: int) -> Any:
    bill: dict[str, Any] = {}
    for _ in range(levels):
        bill = {"components": [bill]}
    return bill


BILLS = {
    "no text": b"\xff\xfe\x00",
    "deep": b'{"bomFormat":"CycloneDX","components":' + b"[" * 200_000,
    "nested components": json.dumps({"bomFormat": "CycloneDX", **deep(300)}).encode(),
    "many values": b'{"bomFormat":"CycloneDX","components":[' + b"{}," * 1_000_000 + b"{}]}",
    "many components": json.dumps(
        {
            "bomFormat": "CycloneDX",
            "components": [{"purl": f"pkg:maven/g/a{n}@1", "name": f"{n}"} for n in range(25_000)],
        }
    ).encode(),
    "long package URLs": json.dumps(
        {"bomFormat": "CycloneDX", "components": [{"purl": f"pkg:maven/{'%' * 10**6}"}] * 5}
    ).encode(),
    "wrong types": json.dumps(
        {
            "bomFormat": "CycloneDX",
            "metadata": 7,
            "components": [7, None, [], {"purl": 7, "hashes": [7, {"alg": "SHA-256"}], "name": []}],
        }
    ).encode(),
    "a long number": b'{"bomFormat":"CycloneDX","x":' + b"9" * (MAX_SBOM_BYTES - 100) + b"}",
}


@pytest.mark.parametrize("name", BILLS)
async def test_a_hostile_bill_is_compared_or_refused_with_a_reason(
    process: ConfinedProcess, name: str
) -> None:
    async with job_folder() as folder:
        (folder / REGISTRY_SBOM).write_bytes(b'{"bomFormat":"CycloneDX","components":[]}')
        (folder / AUTHOR_SBOM).write_bytes(BILLS[name])
        [part] = await process.run("sboms", folder, None)
        assert part.refused is None
        found = json.loads((folder / OUTPUT / DIFFERENCES).read_bytes())
        assert found.get("problem") or len(found["differences"]) <= 500
