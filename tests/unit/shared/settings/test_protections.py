"""Which settings protect a registry, as evidence for an audit lists them."""

import re

import pytest

from shared.settings import Settings
from shared.settings.protections import PROTECTIONS, protections_of

pytestmark = pytest.mark.measured

# They say where things are, how much there is, or how a provider is reached.
OTHERS = frozenset(
    {
        "acs_endpoint",
        "answer_memory",
        "app_role",
        "archive_cdn_origin",
        "archive_cdn_resource",
        "archive_cdn_url",
        "archive_links",
        "blob_endpoint",
        "command",
        "config",
        "cosmos_endpoint",
        "data",
        "entra_authority",
        "entra_client_id",
        "entra_client_secret",
        "entra_graph",
        "entra_managed_identity",
        "environment",
        "exec_prefix",
        "github_client_secret",
        "github_url",
        "http_proxy",
        "https_proxy",
        "imprint_url",
        "insights_connection",
        "invitation_mail_minutes",
        "key_secret",
        "launcher",
        "limit_advisories",
        "limit_agent",
        "limit_device",
        "limit_dry_run",
        "limit_export",
        "limit_found",
        "limit_invitation",
        "limit_look_up",
        "limit_mirror",
        "limit_report",
        "limit_scim",
        "limit_token_issue",
        "limit_write",
        "log_level",
        "log_share",
        "lookup_token",
        "mail",
        "mail_from",
        "max_anonymous_bytes",
        "max_archives_in_hand",
        "max_connections",
        "no_proxy",
        "oidc_client_id",
        "oidc_client_secret",
        "oidc_name",
        "port",
        "privacy_url",
        "rdap_url",
        "release_mail",
        "require_dependencies",
        "require_documentation",
        "scanner_seconds",
        "scanner_secret",
        "smtp_host",
        "smtp_password",
        "smtp_port",
        "smtp_user",
        "standard_organizations",
        "terms_url",
        "tls_key",
        "trace_share",
        "upstream",
        "upstream_fresh_seconds",
        "upstream_token",
        "witness_for",
        "workers",
    }
)


def test_every_setting_protects_or_is_known_not_to() -> None:
    new = set(Settings.model_fields) - set(PROTECTIONS) - OTHERS
    assert not new, (
        f"{sorted(new)} is new. If it protects something, say what in "
        "shared/settings/protections.py; otherwise add it to this list."
    )
    assert not OTHERS & set(PROTECTIONS)
    assert OTHERS | set(PROTECTIONS) == set(Settings.model_fields)


# Words of a sentence that state a period or a consequence, by how they begin.
STATED = re.compile(r"\b(?:minute|hour|day|week|month|second factor|refus|held|hold|quarantin)")


@pytest.mark.parametrize("name", PROTECTIONS)
def test_a_sentence_states_no_other_period_or_consequence_than_its_setting(name: str) -> None:
    described = (Settings.model_fields[name].description or "").lower()
    stated = set(STATED.findall(PROTECTIONS[name].lower()))
    assert {each for each in stated if each not in described} == set()


def test_a_secret_is_set_or_not_set() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    given = Settings.model_validate({"metrics": "token", "metrics_token": secret})
    states = {each.variable: each for each in protections_of(given)}
    assert states["BALLROOM_METRICS_TOKEN"].state == "set"
    assert states["BALLROOM_LINK_KEY"].state == "not set"
    assert states["BALLROOM_METRICS"].state == "token"
    assert not states["BALLROOM_METRICS"].is_default
    assert states["BALLROOM_AUDIT_DAYS"].state == "365"
    assert [each.variable for each in states.values() if each.state == "set"] == [
        "BALLROOM_METRICS_TOKEN"
    ]
    assert not any(secret in each.state for each in states.values())


def test_an_address_is_shown_without_its_query_which_may_have_a_token() -> None:
    given = Settings.model_validate({"releases_feed": "https://example.org/all.atom?token=abc"})
    states = {each.variable: each.state for each in protections_of(given)}
    assert states["BALLROOM_RELEASES_FEED"] == "https://example.org/all.atom?…"
