"""Sessions of an account: listed, ended, and ended by themselves where a cookie was copied."""

from shared.domain.accounts import Account
from shared.domain.grants import Grant
from shared.domain.principals import Principal
from shared.domain.sessions import Session
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.identity.mail import AccountMail
from shared.services.identity.sessions import Sessions
from tests.fakes.mail import FakeMailer
from tests.fakes.services import fake_audited_writer, fake_mail_delivery
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import START_MS, FakeClock

ANN = Principal("ann0000000", "session:one", (Grant(),))


class SessionEndsSetup:
    """What ends sessions, over doubles, with a session of Ann's."""

    def __init__(self) -> None:
        self.session = Session(
            id="one",
            account=ANN.id,
            provider="oidc",
            created_ms=START_MS,
            seen_ms=START_MS,
            expires_ms=START_MS + 1000,
            idle_ms=500,
            signed_in_ms=START_MS,
            secrets=("hash",),
        )
        account = Account(id=ANN.id, name="ann", created_ms=1, email="ann@example.org")
        self.directory = FakeDirectory.holding(account, self.session)
        self.events = FakeEvents()
        self.mailer = FakeMailer()
        mail_delivery = fake_mail_delivery(self.mailer, self.directory, FakeClock())
        self.noticing = AccountMail(
            self.directory, mail_delivery, "https://registry.test", BackgroundTasks()
        )
        audited_writer = fake_audited_writer(self.directory, self.events)
        self.sessions = Sessions(self.directory, audited_writer, FakeClock(), self.noticing)


async def test_a_copied_session_ends_and_its_owner_is_notified() -> None:
    setup = SessionEndsSetup()
    await setup.sessions.end_copied(setup.directory.every(Session)[0])
    await setup.noticing.close()
    assert setup.directory.every(Session) == []
    assert setup.events.kinds() == ["session.copied"]
    [letter] = setup.mailer.to("ann@example.org")
    assert "its cookie was used from two places" in letter.text


async def test_a_copied_session_that_changes_meanwhile_is_left_to_the_next_request() -> None:
    setup = SessionEndsSetup()
    stale = setup.directory.every(Session)[0]
    await setup.directory.replace(stale)
    await setup.sessions.end_copied(stale)
    assert len(setup.directory.every(Session)) == 1
    assert setup.events.kinds() == []
