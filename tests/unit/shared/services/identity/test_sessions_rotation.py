"""A session whose secret cannot be replaced goes on, and the log says why."""

from datetime import timedelta

from msgspec.structs import replace

from shared.domain.errors.requests import Busy
from shared.domain.sessions import SECRET_ROTATION, Session
from shared.domain.tokens import hash_secret
from shared.registry import Registry
from tests.support.logs import capture_logs
from tests.support.port_doubles import Fault
from tests.support.world import World


async def test_a_session_whose_secret_cannot_be_replaced_goes_on_and_is_logged(
    world: World,
) -> None:
    directory = Fault("replace", Busy()).over(world.stores.directory)
    adapters = replace(world.stores, directory=directory)
    sessions = Registry(world.registry.settings, adapters).identity.session_authentication
    ann = world.people.ann.account
    secret = sessions.new_secret()
    now_ms = world.clock.now_ms()
    session = Session(
        id="session00000",
        account=ann.id,
        provider="link",
        created_ms=now_ms,
        seen_ms=now_ms,
        expires_ms=now_ms + 10 * SECRET_ROTATION // timedelta(milliseconds=1),
        idle_ms=10 * SECRET_ROTATION // timedelta(milliseconds=1),
        signed_in_ms=now_ms,
        secrets=(hash_secret(secret.reveal()),),
    )
    await world.stores.directory.put(session)
    cookie = sessions.session_cookie(session, secret).reveal().partition(";")[0]
    world.clock.advance(SECRET_ROTATION)

    with capture_logs() as logs:
        found = await sessions.authenticate({"cookie": cookie})
    assert (found.principal.id, found.new_cookie) == (ann.id, None)
    assert logs == [{"event": "session.not_renewed", "log_level": "warning", "reason": "Busy"}]
