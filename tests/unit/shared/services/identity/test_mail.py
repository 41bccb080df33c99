"""Mails to owners about held releases, and reminders of tokens that expire soon."""

import ast
import string

from shared.domain.access import Membership, PendingRole
from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.packages import Origin, Release, State
from shared.domain.principals import Role
from shared.ports import DirectoryStore
from shared.services.identity.mail import MAIL_TEXTS, MailDelivery, ReleaseMail
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.port_doubles import Fault, failing

ANN = Account(id="ann0000000", name="ann", email="ann@example.org", created_ms=0)
BOB = Account(id="bob0000000", name="bob", email="bob@example.org", created_ms=0)
MIA = Account(id="mia0000000", name="mia", email="mia@example.org", created_ms=0)


def acme_directory() -> FakeDirectory:
    """Return a registry in which ann owns Acme, bob did until lately, and mia works for it."""
    over = PendingRole(role=Role.MEMBER, at_ms=1, by="ann0000000")
    return FakeDirectory.holding(
        *(ANN, BOB, MIA),
        Membership(org="Acme", account=ANN.id, role=Role.OWNER),
        Membership(org="Acme", account=BOB.id, role=Role.OWNER, pending=over),
        Membership(org="Acme", account=MIA.id, role=Role.MAINTAINER),
    )


def news(mailer: FakeMailer, clock: FakeClock, stored: DirectoryStore | None = None) -> ReleaseMail:
    """Return what is tested, over doubles."""
    mail_delivery = MailDelivery(mailer, failed=lambda _kind, _count: None)
    return ReleaseMail(
        stored or acme_directory(), FakeWork(), mail_delivery, clock, "https://registry.test"
    )


def release(name: str = "greet", org: str = "Acme") -> Release:
    """Return a release, with what the letter says of it alone."""
    origin = Origin(principal=MIA.id, credential="token:first")
    fields = {"org": org, "name": name, "version": "1.0.0", "origin": origin}
    return Release.model_construct(None, **fields)


async def test_a_store_that_is_away_stops_nothing() -> None:
    mailer = FakeMailer()
    stored = failing(acme_directory(), Fault("list_by_owner", Busy()))
    await news(mailer, FakeClock(), stored).send_held(release())
    assert mailer.sent == []


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
            elif isinstance(name, ast.JoinedStr):  # A mail for each state of a release.
                calls |= {f"release-{state.value}": fields for state in State}
    for name, (subject, text) in MAIL_TEXTS.items():
        used = {field for _, field, _, _ in string.Formatter().parse(subject + text) if field}
        assert used <= calls[name], name
        assert calls[name] - used <= {"url"}, name
    assert calls.keys() == MAIL_TEXTS.keys()
