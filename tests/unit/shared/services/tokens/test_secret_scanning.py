"""What happens to tokens that a scanner found in the open."""

from collections.abc import Sequence

import pytest

from shared.auth.secret_scanning import FetchedScannerKeys, LeakReports
from shared.auth.tokens import AccessToken, Secret
from shared.domain.access import Membership
from shared.domain.accounts import Account, Token
from shared.domain.errors.requests import Busy
from shared.domain.principals import Grant, Role, Scope
from shared.services.identity.mail import MailDelivery, TokenMail
from shared.services.tokens.secret_scanning import Label, SecretScanning
from shared.services.tokens.tokens import TokenRecords
from tests.fakes.mail import FakeMailer
from tests.fakes.secret_scanner import FakeScanner, found
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.port_doubles import Fault, failing

KIM, ORG = "kim0000000", "acme000000"
RANDOMNESS = FakeRandomness("leaks")
TRUE, FALSE = Label.TRUE_POSITIVE, Label.FALSE_POSITIVE
SCANNER = FakeScanner()
KEYS_URL = "https://scanner.example/keys"


def minted(owner: str = KIM, environment: str = "test") -> str:
    """Return the text of a token."""
    return AccessToken.mint(environment, owner, RANDOMNESS).text.reveal()


def token(text: str, **fields: object) -> Token:
    """Return what is stored of a token."""
    stored = Token(
        id="first",
        hash=AccessToken.parse(Secret(text)).hash,
        owner=KIM,
        name="laptop",
        grants=(Grant(scopes=frozenset({Scope.READ})),),
        created_ms=0,
        expires_ms=None,
    )
    return stored.model_copy(update=fields)


LEAKED = minted()


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory.holding(
        Account(id=KIM, name="kim", email="kim@example.org", created_ms=0),
        Account(id="ann0000000", name="ann", email="ann@example.org", created_ms=0),
        Membership(org="acme", account="ann0000000", role=Role.OWNER),
        Membership(org="acme", account=KIM, role=Role.MEMBER),
        token(LEAKED),
    )


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


def made(
    directory: FakeDirectory, events: FakeEvents, mailer: FakeMailer, clock: FakeClock | None = None
) -> SecretScanning:
    """Return what takes the reports of the scanner."""
    clock = clock or FakeClock()
    records = TokenRecords(
        directory=directory,
        record_writer=fake_record_writer(directory, events, clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
    )
    mail_delivery = MailDelivery(mailer, failed=lambda _reason, _count: None)
    return SecretScanning(
        reports=LeakReports(FetchedScannerKeys(SCANNER, KEYS_URL, clock, failed=print)),
        records=records,
        directory=directory,
        work=FakeWork(),
        clock=clock,
        token_mail=TokenMail(directory, FakeWork(), mail_delivery, clock, "https://registry.test"),
    )


@pytest.fixture
def secret_scanning(
    directory: FakeDirectory, events: FakeEvents, mailer: FakeMailer
) -> SecretScanning:
    return made(directory, events, mailer)


async def report(secret_scanning: SecretScanning, *texts: str) -> Sequence[Label]:
    """Report these texts, and return their labels."""
    body = found(*texts)
    findings = await secret_scanning.process_report(
        body, SCANNER.headers(body), address="192.0.2.1"
    )
    assert [each.leaked.text.reveal() for each in findings] == list(texts)
    return [each.label for each in findings]


async def test_a_report_that_failed_in_between_is_completed_by_the_next_one(
    directory: FakeDirectory, events: FakeEvents, mailer: FakeMailer
) -> None:
    secret_scanning = made(failing(directory, Fault("remove", Busy())), events, mailer)
    with pytest.raises(Busy):
        await report(secret_scanning, LEAKED)
    assert mailer.sent == []
    assert await report(secret_scanning, LEAKED) == [TRUE]
    assert directory.every(Token) == []
    assert len(mailer.sent) == 1
