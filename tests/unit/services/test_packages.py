"""What is deprecated, what is refused, and what changes nothing."""

import pytest

from shared.domain.errors.packages import MessageTooLong, PackageIsDeprecated, ReleaseNotFound
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.services.packages import MAX_MESSAGE_LENGTH
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def test_deprecating_a_version_twice_alike_changes_it_once(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecation
    first = await deprecating.deprecate(GREET, "Use 2.0.0.", by=OPERATOR)
    again = await deprecating.deprecate(GREET, "Use 2.0.0.", by=OPERATOR)
    assert again.revision == first.revision


async def test_deprecating_a_package_twice_alike_changes_it_once(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecation
    first = await deprecating.deprecate_package(GREET.package, "Use acme/other.", by=OPERATOR)
    again = await deprecating.deprecate_package(GREET.package, "Use acme/other.", by=OPERATOR)
    assert again.revision == first.revision


async def test_what_is_not_there_or_not_live_is_not_deprecated(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecation
    newer = Coordinate.parse("acme", "greet", "2.0.0")
    absent = Coordinate.parse("acme", "absent", "1.0.0")
    for each in (newer, absent):
        with pytest.raises(ReleaseNotFound) as refused:
            await deprecating.deprecate(each, "Use another.", by=OPERATOR)
        assert str(refused.value) == f"package not found for: {each.package}:{each.version}"
    with pytest.raises(ReleaseNotFound) as refused:
        await deprecating.deprecate_package(absent.package, "Use another.", by=OPERATOR)
    assert str(refused.value) == "package not found for: acme/absent:*"
    await world.registry.moderation.quarantine(GREET, "looked at", by=OPERATOR)
    with pytest.raises(ReleaseNotFound, match=r"acme/greet:1\.0\.0$"):
        await deprecating.deprecate(GREET, "Use another.", by=OPERATOR)


async def test_a_version_is_not_undeprecated_alone_where_its_package_is_deprecated(
    world: World,
) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecation
    await deprecating.deprecate(GREET, "Use 2.0.0.", by=OPERATOR)
    await deprecating.deprecate_package(GREET.package, "Use acme/other.", by=OPERATOR)
    assert (await deprecating.undeprecate(GREET, by=OPERATOR)).deprecation is None
    with pytest.raises(PackageIsDeprecated) as refused:
        await deprecating.undeprecate(GREET, by=OPERATOR)
    assert str(refused.value) == (
        "acme/greet is deprecated as a whole, and acme/greet:1.0.0 with it. Undo that first: "
        "bal deprecate --undo acme/greet."
    )


async def test_a_message_is_one_line_of_a_length_that_fits(world: World) -> None:
    await world.push(bala(str(GREET)))
    deprecating = world.registry.deprecation
    longest = await deprecating.deprecate(GREET, "x" * MAX_MESSAGE_LENGTH, by=OPERATOR)
    assert longest.deprecation == "x" * 500
    with pytest.raises(MessageTooLong, match="has 501 characters, and 500 fit"):
        await deprecating.deprecate(GREET, "x" * 501, by=OPERATOR)
    told = await deprecating.deprecate(GREET, " Use\r\n2.0.0\x00 now. ", by=OPERATOR)
    assert told.deprecation == "Use 2.0.0 now."
