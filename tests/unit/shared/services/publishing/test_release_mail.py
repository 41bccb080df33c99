"""Mail about releases."""

from shared.domain.errors.requests import Busy
from shared.services.mail_delivery import Appeal
from shared.services.publishing.release_mail import ReleaseMail
from tests.contract.sample_records import release
from tests.fakes.mail import FakeMailer
from tests.fakes.services import fake_mail_delivery
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault


async def test_a_store_that_is_away_stops_nothing() -> None:
    mailer = FakeMailer()
    fault = Fault("list_by_owner", Busy())
    directory = fault.over(FakeDirectory())
    mail_delivery = fake_mail_delivery(mailer, directory, FakeClock())
    appeal = Appeal(abuse_contact="")
    url = "https://registry.test"
    mail = ReleaseMail(directory, mail_delivery, appeal, FakeClock(), url)
    await mail.send_held(release())
    assert (fault.calls, mailer.sent) == (1, [])
