"""A recovery drill over 2,000 and over 15,000 packages: what each step takes, beside a limit.

A registry of so many packages, each with one release of 20 KB, is backed up, and `ballroom drill`
restores the backup in a process of its own, as an operator runs it. Beside the backup the archives
are links: `python -m bench.drill --scratch DIR` with a folder of another disk measures their copies
as well. `python -m bench.drill 500` takes another number of packages. It prints the rows of
docs/run/recovery.md.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.support.servers import UNREACHED, workspace
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.backups import back_up
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import prepared_stores
from shared.domain.accounts import Account
from shared.domain.drills import Drill, DrillStep
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.registry import Registry
from shared.services.publishing.uploads import Upload
from shared.settings import Settings
from tests.paths import ROOT
from tests.support.archives import bala

LIMITS_S = {2_000: 120.0, 15_000: 900.0}
PACKAGES_OF_AN_ORG = 100
ARCHIVE_BYTES = 20_000
PUSHES_AT_ONCE = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", type=int, default=list(LIMITS_S))
    parser.add_argument("--scratch", type=Path, help="Where the copies are restored.")
    given = parser.parse_args()
    steps = [step.value for step in DrillStep]
    print(
        f"| packages | {' | '.join(f'{each}, s' for each in steps)} | whole drill, s | limit, s |"
    )
    print(f"|{'---|' * (len(steps) + 3)}")
    missed = list[int]()
    for packages in given.packages:
        drill = measured(packages, given.scratch)
        found = " | ".join(f"{drill.seconds[each]:.1f}" for each in steps)
        limit = LIMITS_S.get(packages)
        if limit is not None and drill.total_seconds > limit:
            missed.append(packages)
        shown = "" if limit is None else f"{limit:.0f}"
        print(f"| {packages:,} | {found} | {drill.total_seconds:.1f} | {shown} |")
        assert drill.problems == (), drill.problems
        assert drill.releases == packages
        assert drill.entries >= packages
    if missed:
        sys.exit(f"Longer than the limit: {', '.join(f'{each:,} packages' for each in missed)}.")


def measured(packages: int, scratch: Path | None) -> Drill:
    """Return the drill of a registry with so many packages."""
    with workspace() as folder:
        settings = Settings(
            data=folder / "data",
            brake_packages=10**6,
            brake_releases=10**6,
            limit_push=UNREACHED,
            limit_write=UNREACHED,
        )
        with prepared_stores(settings):
            asyncio.run(filled(settings, packages))
        back_up(settings, folder / "backups" / "first")
        place = ("--scratch", str(scratch)) if scratch else ()
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "shared.cli",
                "drill",
                str(folder / "backups"),
                *place,
                "--json",
            ],
            cwd=ROOT,
            env={**os.environ, "BALLROOM_DATA": str(settings.data), "BALLROOM_LOG_LEVEL": "error"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Drill.model_validate(json.loads(done.stdout))


async def filled(settings: Settings, packages: int) -> None:
    """Publish packages of one release each, and write the transparency log."""
    registry = build_registry(settings, embedded_adapters(settings))
    owner = await registry.identity.accounts.create_administrator("owner", by=OPERATOR)
    for first in range(0, packages, PACKAGES_OF_AN_ORG):
        await _filled_org(registry, owner, first, min(PACKAGES_OF_AN_ORG, packages - first))
    while (report := await registry.maintenance.task_runner.run("write-log")) and report.unfinished:
        pass
    await registry.close()


async def _filled_org(registry: Registry, owner: Account, first: int, count: int) -> None:
    org = parse_org(f"org{first}")
    await registry.organizations.organizations.create(org, owner, by=OPERATOR)
    by = Principal(owner.id, "session", (Grant(),))
    names = [f"{org}/package{number}:1.0.0" for number in range(first, first + count)]
    for start in range(0, count, PUSHES_AT_ONCE):
        await asyncio.gather(
            *(
                registry.publishing.releases.push(Upload(bala(each, padding=ARCHIVE_BYTES)), by=by)
                for each in names[start : start + PUSHES_AT_ONCE]
            )
        )


if __name__ == "__main__":
    main()
