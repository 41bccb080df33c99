"""How two bills of materials are compared."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.confined import sbom_differences
from shared.confined.job_files import AUTHOR_SBOM, DIFFERENCES, OUTPUT, REGISTRY_SBOM
from shared.confined.sbom_differences import compare_sboms
from shared.confined.tasks import Job
from shared.domain.sboms import Difference, SbomDifferences
from tests.fakes.confined import NoLimits, order_of

LOG = "pkg:maven/org.log/log@2.14"
ONE = "11" * 32
TWO = "22" * 32


def component(purl: str = "", sha256: str = "", name: str = "x", **more: Any) -> dict[str, Any]:
    hashes = [{"alg": "MD5", "content": "00"}, {"alg": "SHA-256", "content": sha256}]
    return {"name": name, "purl": purl, "hashes": hashes, **more}


def bill(*components: dict[str, Any]) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "components": components}).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def compared(folder: Path, ours: bytes, theirs: bytes) -> SbomDifferences:
    (folder / REGISTRY_SBOM).write_bytes(ours)
    (folder / AUTHOR_SBOM).write_bytes(theirs)
    Job(order_of(folder), NoLimits(), lambda _: None).run_task(compare_sboms)
    return msgspec.json.decode((folder / OUTPUT / DIFFERENCES).read_bytes(), type=SbomDifferences)


SAME = {
    "by package URL": (component(LOG), component(LOG)),
    "by package URL without qualifiers": (component(LOG), component(f"{LOG}?type=jar#x")),
    "by SHA-256 in another case": (component(sha256="ab" * 32), component(sha256="AB" * 32)),
    "by SHA-256 where one has no package URL": (component(LOG, ONE), component(sha256=ONE)),
}


@pytest.mark.parametrize("how", SAME)
def test_components_are_the_same(folder: Path, how: str) -> None:
    ours, theirs = SAME[how]
    found = compared(folder, bill(ours), bill({"name": "outer", "components": [theirs]}, ours))
    assert (found.same, found.problem) == (1, "")
    assert Difference.ONLY_HERE not in {each.difference for each in found.differences}


DIFFERENT = {
    Difference.VERSION: (component(LOG, ONE), component("pkg:maven/org.log/log@2.17", TWO)),
    Difference.CONTENT: (component(LOG, ONE), component(LOG, TWO)),
}


@pytest.mark.parametrize("difference", DIFFERENT)
def test_components_differ(folder: Path, difference: Difference) -> None:
    ours, theirs = DIFFERENT[difference]
    [found] = compared(folder, bill(ours), bill(theirs)).differences
    assert found.difference is difference


def test_the_same_bytes_under_another_name_differ(folder: Path) -> None:
    other = component("pkg:maven/org.safe/log@2.17", ONE)
    [found] = compared(folder, bill(component(LOG, ONE)), bill(other)).differences
    assert (found.registry, found.author) == (LOG, "pkg:maven/org.safe/log@2.17")


def test_what_only_one_bill_has_is_named(folder: Path) -> None:
    found = compared(folder, bill(component(LOG)), bill(component(name="file.jar"))).differences
    assert [(each.difference, each.name) for each in found] == [
        (Difference.ONLY_HERE, LOG),
        (Difference.ONLY_AUTHOR, "file.jar"),
    ]


def test_two_components_of_the_same_name_are_two(folder: Path) -> None:
    found = compared(folder, bill(component(LOG)), bill(component(LOG), component(LOG)))
    assert (found.same, len(found.differences)) == (1, 1)


def test_more_differences_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom_differences, "MAX_SHOWN", 2)
    found = compared(folder, bill(), bill(*(component(name=f"{n}") for n in range(5))))
    assert (len(found.differences), found.hidden) == (2, 3)


PROBLEMS = {
    b"\xff": "it is no JSON",
    b"[]": "it is no CycloneDX document",
    b'{"bomFormat": "SPDX"}': "it is no CycloneDX document",
}


@pytest.mark.parametrize("content", PROBLEMS)
def test_what_is_no_bill_is_not_compared(folder: Path, content: bytes) -> None:
    assert compared(folder, bill(), content).problem == PROBLEMS[content]
