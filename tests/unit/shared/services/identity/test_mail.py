"""Mails to owners about held releases, and reminders of tokens that expire soon."""

import ast
import string

from shared.domain.errors.requests import Busy
from shared.domain.release_states import State
from shared.services.identity.mail import MAIL_TEXTS, Appeal, MailDelivery
from shared.services.publishing.release_mail import ReleaseMail
from tests.contract.sample_records import release
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.port_doubles import Fault, failing


async def test_a_store_that_is_away_stops_nothing() -> None:
    mailer = FakeMailer()
    fault = Fault("list_by_owner", Busy())
    mail_delivery = MailDelivery(mailer, failed=lambda _kind, _count: None)
    directory = failing(FakeDirectory(), fault)
    appeal = Appeal(abuse_contact="")
    url = "https://registry.test"
    mail = ReleaseMail(directory, FakeWork(), mail_delivery, appeal, FakeClock(), url)
    await mail.send_held(release())
    assert (fault.calls, mailer.sent) == (1, [])


def test_every_call_gives_a_mail_exactly_the_values_of_its_fields() -> None:
    calls: dict[str, set[str]] = {}
    for file in (ROOT / "shared/services").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("mail_text"), [name]):
                    given = set[str]()
                case ast.Call(
                    func=ast.Attribute(ast.Attribute(attr="account_mail")), args=[_, name]
                ):
                    given = {"name", "url"}
                case _:
                    continue
            fields = {each.arg for each in node.keywords if each.arg} | given
            if isinstance(name, ast.Constant):
                calls[str(name.value)] = fields
            elif isinstance(name, ast.JoinedStr):
                prefix = ast.unparse(name)[2:].partition("{")[0]
                names = {f"{prefix}{state.value}" for state in State}
                # A mail for each state of a release; of many releases for some of them.
                found = names if prefix == "release-" else names & MAIL_TEXTS.keys()
                calls |= dict.fromkeys(found, fields)
    for name, mail in MAIL_TEXTS.items():
        used = {
            field for _, field, _, _ in string.Formatter().parse(mail.subject + mail.text) if field
        }
        assert used <= calls[name], name
        assert calls[name] - used <= {"url"}, name
    assert calls.keys() == MAIL_TEXTS.keys()
