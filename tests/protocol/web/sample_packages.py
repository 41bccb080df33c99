"""Packages as pages of them are looked at: full, empty, long, hostile, from right to left."""

from datetime import UTC, datetime, timedelta

from shared.domain.coordinates import Coordinate
from shared.domain.grants import Grant
from shared.domain.packages import Provenance
from shared.domain.principals import OPERATOR, Principal
from shared.ports.pull_ledger import Pull
from shared.services.publishing.uploads import Upload
from tests.support.archives import bala
from tests.support.pulls import Process
from tests.support.world import World

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
COMMIT = "b8962f4eaff8e14fc646cb22c596c81e67d71362"
README = """\
# Greet

Greets people **politely** in many languages.

## Quickstart

```ballerina
import acme/greet;
import ballerina/io;

public function main() returns error? {
    io:println(check greet:hello("World"));
}
```

| Language | Word |
|---|---|
| English | Hello |
| Deutsch | Hallo |

![The mark of greet](docs/icon.png)

See [the source](modules/greet/greet.bal).
"""
SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'
BIDI = "\u202eevil\u202c"
HOSTILE = f"# {SCRIPT}\n\n[click](javascript:alert(1)) ![x](https://tracker.example/x.png)\n"
ARABIC = "# مرحبا\n\nمكتبة صغيرة لتحية الناس بلغات كثيرة.\n"
JOB = Provenance(
    provider="github",
    publishers=("p1",),
    repository="acme/greet",
    workflow="release.yml",
    ref="refs/tags/v1.2.0",
    commit=COMMIT,
    run_url="https://github.com/acme/greet/actions/runs/32291736541",
)
DEPENDENCIES = ("ballerina/io:1.6.0", "ballerina/http:2.10.0", "acme/words:1.0.0")
BEHIND = {
    "ballerina/http:2.10.0": ["ballerina/io:1.6.0", "ballerina/log:2.9.0", "ballerina/time:2.4.0"],
    "ballerina/log:2.9.0": ["ballerina/io:1.6.0"],
}


async def publish(world: World, coordinate: str, *, job: bool = False, **spec: object) -> None:
    """Publish a package as the administrator, or by a job of a CI system."""
    admin = world.people.admin.account.id
    by = Principal(id=admin, grants=(Grant(),), provenance=JOB if job else None)
    await world.registry.publishing.releases.push(Upload(bala(coordinate, **spec)), by)


async def fill(world: World) -> None:
    """Publish a package with four versions, those around it, and odd ones."""
    await publish(world, "acme/words:1.0.0", summary="Words of many languages.")
    await publish(world, "acme/greet:1.0.0", readme="The first.\n")
    world.clock.advance(timedelta(days=40))
    await publish(world, "acme/greet:1.1.0", readme="The second.\n")
    greet = Coordinate.parse("acme", "greet", "1.1.0")
    message = "Greets nobody; use 1.2.0."
    await world.registry.packages.deprecation.deprecate(greet, message, by=OPERATOR)
    world.clock.advance(timedelta(days=3))
    await publish(
        world,
        "acme/greet:1.2.0",
        job=True,
        summary="Greets people politely in many languages.",
        readme=README,
        modules=["formal"],
        module_readmes={"greet.formal": "Greets people whom one does not know.\n"},
        keywords=["greeting", "text", "Language/Words"],
        licenses=["Apache-2.0"],
        authors=["Ann Example", "Max Example"],
        source_repository="https://github.com/acme/greet",
        dependencies=DEPENDENCIES,
        transitive=BEHIND,
        icon=PICTURE,
        graalvm=True,
    )
    await publish(world, "acme/greet:2.0.0-rc.1", readme="What comes next.\n")
    await around(world)
    await pulled(world)


async def around(world: World) -> None:
    """Publish what is beside it."""
    needs = ["acme/greet:1.2.0"]
    await publish(world, "other/shop:0.1.0", dependencies=needs, summary="Sells things.")
    await publish(
        world, "acme/secret:1.0.0", visibility="private", dependencies=needs, summary="Not told."
    )
    await publish(world, "acme/helper:1.0.0", tools=["helper"], compiler_plugin="acme.Plugin")
    await publish(
        world,
        "other/hostile:1.0.0",
        summary=f"{SCRIPT} {BIDI}",
        readme=HOSTILE,
        keywords=[SCRIPT[:40]],
        authors=[f"Eve {SCRIPT}"],
        licenses=["<b>MIT</b>"],
        source_repository="javascript:alert(1)",
        entries={
            "resources/page.html": f"<html>{SCRIPT}</html>",
            "resources/picture.svg": f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>",
        },
    )
    await publish(world, "other/marhaban:1.0.0", summary="مكتبة صغيرة لتحية الناس", readme=ARABIC)
    long = "a" * 60
    await publish(
        world,
        f"other/{long}.{long}:1.0.0-{'x' * 60}.1",
        summary="w" * 290,
        keywords=[f"{'k' * 60}{number}" for number in range(8)],
    )


async def pulled(world: World) -> None:
    """Count pulls of the last weeks and of a year ago, and roll them up."""
    pulls = [*_pulls(world, 400, "1.0.0", 2)]
    for ago in range(41):
        pulls += _pulls(world, ago, "1.2.0", 3 + ago % 7)
        pulls += _pulls(world, ago, "1.0.0", 1 + ago % 3)
    await world.stores.pulls.record(Process().batch(*pulls))
    await world.stores.pulls.roll_up(before_window=0, today="2100-01-01")


def _pulls(world: World, ago: int, version: str, count: int) -> list[Pull]:
    at = datetime.fromtimestamp(world.clock.now_ms() / 1000, UTC) - timedelta(days=ago)
    coordinate = Coordinate.parse("acme", "greet", version)
    return [Pull(coordinate, f"{at:%Y-%m-%d}", f"c{number}", ago) for number in range(count)]
