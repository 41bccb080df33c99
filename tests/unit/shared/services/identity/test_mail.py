"""Mails to owners about held releases, and reminders of tokens that expire soon."""

import ast
import string

from shared.domain.release_states import State
from shared.services.mail_delivery import MAIL_TEXTS
from tests.paths import ROOT


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
