"""What doctor says of the trusted roots of Sigstore."""

import asyncio
import json
from pathlib import Path

from shared.bootstrap.build import build_registry
from shared.domain.provenance.trusted_roots import PublicGoodRoot
from tests.support.sigstore_instances import SigstoreInstance
from tests.support.terminal import Terminal
from tests.support.world import settings_of


def finding(terminal: Terminal, **settings: str) -> dict[str, str] | None:
    """Return what doctor says of Sigstore, if it says something; it ends nothing."""
    result = terminal.invoke("doctor", "--json", **settings)
    assert result.exit_code == 0
    return next((e for e in json.loads(result.stdout) if e["what"] == "sigstore"), None)


async def _store(data: Path, root: PublicGoodRoot) -> None:
    registry = build_registry(settings_of(data))
    await registry.adapters.directory.put(root)
    await registry.close()


def test_a_registry_without_bundles_has_no_finding(terminal: Terminal) -> None:
    assert finding(terminal) is None


def test_a_root_that_was_not_renewed_is_advice(terminal: Terminal) -> None:
    asyncio.run(_store(terminal.data, PublicGoodRoot(wanted_ms=1)))
    found = finding(terminal)
    assert found is not None
    assert found["found"] == "Sigstore bundles are verified with the root of the library."
    assert found["way_out"] == ""
    failed = PublicGoodRoot(wanted_ms=1, renewed_ms=0, root="{}", failure="the cable is cut")
    asyncio.run(_store(terminal.data, failed))
    found = finding(terminal)
    assert found is not None
    assert found["found"] == "The trusted root of Sigstore was not renewed: the cable is cut."
    assert "BALLROOM_SIGSTORE_ROOTS" in found["way_out"]


def test_files_of_the_operator_are_named(terminal: Terminal, tmp_path: Path) -> None:
    roots = SigstoreInstance.github().write_root(tmp_path / "roots.jsonl")
    found = finding(terminal, BALLROOM_SIGSTORE_ROOTS=str(roots))
    assert found is not None
    assert str(roots) in found["found"]
    assert found["way_out"] == ""
    roots.write_bytes(b"")
    found = finding(terminal, BALLROOM_SIGSTORE_ROOTS=str(roots))
    assert found is not None
    assert found["found"] == f"The trusted roots of Sigstore in {roots} cannot be read."


def test_a_file_that_is_not_there_is_a_wrong_setting(terminal: Terminal) -> None:
    result = terminal.invoke("doctor", BALLROOM_SIGSTORE_ROOTS="/nowhere/roots.jsonl")
    assert result.exit_code != 0
    assert "/nowhere/roots.jsonl is no file to read" in result.output
