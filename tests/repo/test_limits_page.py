"""The rate limits of docs/reference/limits.md are those of the settings, and the lengths of texts
those of the code.
"""

import re
from datetime import timedelta

from shared.domain.account_names import MAX_ACCOUNT_NAME_LENGTH
from shared.domain.archives.manifest import MAX_FIELD_LENGTH
from shared.domain.mail import MAX_EMAIL_LENGTH
from shared.domain.markdown_summaries import MAX_SUMMARY_LENGTH
from shared.domain.name_disputes import MAX_LINES, MAX_STATEMENT_LENGTH
from shared.domain.names import MAX_PACKAGE_LENGTH
from shared.domain.notices import MAX_NOTICE_LENGTH, MAX_READ_ONLY_REASON_LENGTH
from shared.domain.organizations import MAX_LINK_LENGTH
from shared.domain.policies import MAX_POLICY_LENGTH
from shared.domain.rate_limits import RateLimitClass
from shared.domain.search import MAX_QUERY_LENGTH
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME
from shared.domain.tokens import MAX_TOKEN_NAME_LENGTH
from shared.domain.trusted_publishing.claims import MAX_CLAIM_LENGTH
from shared.domain.trusted_publishing.publishers import MAX_REPOSITORY_LENGTH
from shared.domain.versions import MAX_VERSION_LENGTH
from shared.domain.webhooks import MAX_URL_LENGTH
from shared.services.packages.deprecation import MAX_MESSAGE_LENGTH
from shared.settings import Settings
from tests.paths import docs

ROW = re.compile(
    r"^\| ([a-z-]+) \| [^|]+ \| `(BALLROOM_\w+)`: `([^`]+)` \| ([^|]+) \|", re.MULTILINE
)
WINDOWS = {
    "a minute": timedelta(minutes=1),
    "5 minutes": timedelta(minutes=5),
    "60 minutes": timedelta(minutes=60),
    "a day": timedelta(days=1),
}


def test_each_rate_limit_has_a_row_with_its_setting_default_and_window() -> None:
    rows = {
        name: (setting, default, WINDOWS[window])
        for name, setting, default, window in ROW.findall(docs("reference/limits"))
    }
    assert rows == {
        each.value: (
            f"BALLROOM_LIMIT_{each.name}",
            Settings.model_fields[f"limit_{each.name.lower()}"].default,
            each.window,
        )
        for each in RateLimitClass
    }


TEXTS = {
    "name of an account": MAX_ACCOUNT_NAME_LENGTH,
    "name of an organization and name of a package": MAX_PACKAGE_LENGTH,
    "version": MAX_VERSION_LENGTH,
    "name of a token, whether of an account or of an organization": MAX_TOKEN_NAME_LENGTH,
    "display name of an organization": MAX_DISPLAY_NAME,
    "label of an invitation": MAX_DISPLAY_NAME,
    "mail address": MAX_EMAIL_LENGTH,
    "description of an organization": MAX_DESCRIPTION,
    "link of an organization": MAX_LINK_LENGTH,
    "deprecation message of a package or a version": MAX_MESSAGE_LENGTH,
    "reason of a change, such as a removal or a freeze": MAX_DESCRIPTION,
    "public explanation of a withdrawal": MAX_DESCRIPTION,
    "reason to serve a mirrored release before its minimum age": MAX_DESCRIPTION,
    "statement in a name dispute": MAX_STATEMENT_LENGTH,
    "policy for names": MAX_POLICY_LENGTH,
    "notice": MAX_NOTICE_LENGTH,
    "reason of the read-only mode": MAX_READ_ONLY_REASON_LENGTH,
    "address of a webhook": MAX_URL_LENGTH,
    "repository of a trusted publisher": MAX_REPOSITORY_LENGTH,
    "value of a claim of a trusted publisher": MAX_CLAIM_LENGTH,
    "summary of a package or a module": MAX_SUMMARY_LENGTH,
    "query of a search": MAX_QUERY_LENGTH,
    "text of `package.json` that is listed, such as a keyword": MAX_FIELD_LENGTH,
}


def test_each_length_of_a_text_is_that_of_the_code() -> None:
    section = docs("reference/limits").partition("\n### Texts\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|", section, re.MULTILINE)
    assert {text: int(most.replace(",", "")) for text, most in rows} == TEXTS
    assert f"| in {MAX_LINES} lines |" in section
