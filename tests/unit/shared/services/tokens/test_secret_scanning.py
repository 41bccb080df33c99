"""What happens to tokens that a scanner found in the open."""

from msgspec.structs import replace

from shared.domain.errors.requests import Busy
from shared.domain.tokens import Token
from shared.services.adapters import Adapters
from tests.fakes.secret_scanner import FakeScanner, found
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, limited


async def test_a_report_that_failed_in_between_is_completed_by_the_next_one(
    worlds: OpenWorld,
) -> None:
    scanner = FakeScanner()
    fault = Fault("remove", Busy())

    def wrap(stores: Adapters) -> Adapters:
        return replace(stores, fetcher=scanner, directory=fault.over(stores.directory))

    world = await worlds(report_keys_url="https://scanner.example/keys", wrap=wrap)
    known = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.put(known)
    leaked = await limited(world, world.people.ann, "read")
    before = await world.stores.directory.list_by_owner(Token, known.id)
    body = found(leaked.token)
    left = list[int]()
    mails = list[int]()
    for status in (503, 200):
        headers = scanner.headers(body)
        answer = await world.send(
            "POST", f"{URL}/api/v1/leaked-tokens", headers=headers, content=body
        )
        assert answer.status_code == status
        left.append(len(await world.stores.directory.list_by_owner(Token, known.id)))
        mails.append(len(world.mailer.to("ann@example.org")))
    assert left == [len(before), len(before) - 1]
    assert mails == [0, 1]
