"""Settings that cannot be used stop the start, with a line that names them."""

import pytest
from pydantic import SecretStr, ValidationError

from shared.domain.archives.delivery import Cdn
from shared.domain.client_addresses import parse_networks
from shared.domain.mirror_rules import parse_upstreams
from shared.domain.rate_limits import RateLimitClass, RateLimitSubject
from shared.settings import Settings
from shared.settings.problems import refused_setting, setting_problem, unknown_settings
from shared.settings.values import split_list


def problem(**settings: object) -> str:
    """Return the line that the operator reads."""
    with pytest.raises(ValidationError) as invalid:
        Settings.model_validate(settings)
    return setting_problem(invalid.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://ballroom.example.org",
        "https://ballroom.example.org/",
        "http://127.0.0.1:7071",
        "http://[::1]:7071",
        "https://example.org/ballroom",
    ],
)
def test_an_address_is_taken_without_the_slash_at_its_end(url: str) -> None:
    assert Settings(url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "ballroom.example.org",
        "ftp://ballroom.example.org",
        "https://",
        "https:///packages",
        "https://user:secret@example.org",
        "https://example.org?a=b",
        "https://example.org#a",
        "https://example.org\r\nSet-Cookie: a=b",
        "https://example.org\n",
        'https://example.org"',
        "https://example.org/a b",
    ],
)
def test_an_address_that_no_link_can_begin_with_is_refused(url: str) -> None:
    line = problem(url=url)
    assert line.startswith("BALLROOM_URL cannot be used: it is not a valid URL, such as https://")
    assert "secret" not in line


def test_proxies_are_networks() -> None:
    assert Settings().proxies == ()
    assert Settings(trusted_proxies="127.0.0.1, 10.0.0.0/8").proxies == parse_networks(
        "127.0.0.1 10.0.0.0/8"
    )


@pytest.mark.parametrize("operation", RateLimitClass)
def test_every_limit_is_a_setting(operation: RateLimitClass) -> None:
    name = f"limit_{operation.name.lower()}"
    assert Settings().limits_of(operation).limits, "a default that limits nobody"
    chosen = Settings.model_validate({name: "address=7"})
    assert chosen.limits_of(operation).limits == {RateLimitSubject.ADDRESS: 7}
    assert problem(**{name: "7"}).startswith(f"BALLROOM_{name.upper()} cannot be used: '7' is no")


def test_by_default_a_token_may_push_120_times_a_minute() -> None:
    assert Settings().limits_of(RateLimitClass.PUSH).limits[RateLimitSubject.TOKEN] == 120


SMTP = {"mail": "smtp", "mail_from": "ballroom@example.org", "smtp_host": "mail.example.org"}
AZURE = {
    "mail": "azure",
    "mail_from": "ballroom@example.org",
    "acs_endpoint": "https://ballroom.communication.azure.com",
}


@pytest.mark.parametrize("wanted", [SMTP, AZURE], ids=["smtp", "azure"])
def test_mail_takes_what_it_is_sent_with(wanted: dict[str, str]) -> None:
    assert Settings.model_validate(wanted).mail == wanted["mail"]
    for name in set(wanted) - {"mail"}:
        without = {key: value for key, value in wanted.items() if key != name}
        assert problem(**without).startswith(f"BALLROOM_{name.upper()} cannot be used: it is ")


def test_a_laptop_sends_no_mail_and_needs_no_address() -> None:
    settings = Settings.model_validate({})
    assert (settings.mail, settings.mail_from, settings.smtp_encryption) == (
        "console",
        "",
        "starttls",
    )


def test_reserved_names_are_separated_by_commas() -> None:
    settings = Settings.model_validate({"reserved_names": "wso2*, admin,,"})
    assert settings.reserved_patterns == ("wso2*", "admin")


def test_issuers_of_jobs_are_separated_by_commas() -> None:
    assert split_list(" https://gitlab.com,https://git.example.org , ") == [
        "https://gitlab.com",
        "https://git.example.org",
    ]


CLOUD = {
    "cosmos_endpoint": "https://cosmos.example.org",
    "blob_endpoint": "https://blobs.example.org",
    "link_key": "a" * 32,
}


def test_both_stores_of_the_cloud_select_it() -> None:
    assert not Settings().is_in_the_cloud
    chosen = Settings.model_validate({**CLOUD, "cosmos_endpoint": "https://cosmos.example.org/"})
    assert chosen.is_in_the_cloud
    assert chosen.cosmos_endpoint == "https://cosmos.example.org"


@pytest.mark.parametrize("name", sorted(CLOUD))
def test_missing_settings_of_the_cloud_are_named(name: str) -> None:
    line = problem(**{**CLOUD, name: None if name == "link_key" else ""})
    named = "blob_endpoint" if name == "cosmos_endpoint" else name
    assert line.startswith(f"BALLROOM_{named.upper()} cannot be used: ")


@pytest.mark.parametrize("name", ["cosmos_key", "blob_connection"])
def test_a_key_of_a_store_that_is_not_there_is_refused(name: str) -> None:
    line = problem(**{name: "secret of the store"})
    assert line.startswith(f"BALLROOM_{name.upper()} cannot be used: it is set, and")
    assert "secret of" not in line
    assert Settings.model_validate({**CLOUD, name: "secret of the store"})


# --- bytes -------------------------------------------------------------------------------------

FRONT_DOOR = (
    "/subscriptions/0f/resourceGroups/rg-ballroom/providers/Microsoft.Cdn/profiles/afd-ballroom"
    "/afdEndpoints/ballroom-x"
)


@pytest.mark.parametrize(
    ("given", "cdn"),
    [
        ({}, Cdn.NONE),
        ({"archive_cdn_url": "https://cdn.example.org/"}, Cdn.STRIPPING),
        (
            {"archive_cdn_url": "https://cdn.example.org", "archive_cdn_origin": "blobs"},
            Cdn.READING_BLOBS,
        ),
    ],
)
def test_a_cdn_is_known_by_its_address_and_what_it_does(given: dict[str, str], cdn: Cdn) -> None:
    settings = Settings.model_validate(given)
    assert settings.archive_cdn is cdn
    assert not settings.archive_cdn_url.endswith("/")


@pytest.mark.parametrize("id_", ["", FRONT_DOOR, FRONT_DOOR.lower()])
def test_an_endpoint_of_front_door_is_known_by_its_id(id_: str) -> None:
    assert Settings(archive_cdn_resource=id_).archive_cdn_resource == id_


VAULT = {**CLOUD, "link_key": None, "key_vault": "https://kv.vault.azure.net/"}
UNRESOLVED = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"
SECRETS = sorted(
    name for name, info in Settings.model_fields.items() if "SecretStr" in str(info.annotation)
)


def test_the_key_of_the_cloud_may_be_in_a_vault() -> None:
    chosen = Settings.model_validate(VAULT)
    assert (chosen.key_vault, chosen.key_secret) == ("https://kv.vault.azure.net", "link-key")
    assert chosen.link_key is None


@pytest.mark.parametrize("name", [*SECRETS, "url", "environment", "workers"])
@pytest.mark.parametrize("text", [UNRESOLVED, f" {UNRESOLVED.lower()}"])
def test_a_reference_that_azure_did_not_resolve_is_no_value(name: str, text: str) -> None:
    line = problem(**{**CLOUD, name: text})
    variable = VARIABLES.get(name, f"BALLROOM_{name.upper()}")
    assert line.startswith(f"{variable} cannot be used: it is a reference to a secret")
    assert "kv.vault" not in line
    assert "restart the app" in line


def test_a_reference_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLROOM_LINK_KEY", UNRESOLVED)
    with pytest.raises(ValidationError) as invalid:
        Settings.load()
    assert refused_setting(invalid.value) == "BALLROOM_LINK_KEY"


VARIABLES = {"insights_connection": "APPLICATIONINSIGHTS_CONNECTION_STRING", "workers": "WORKERS"}


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("BALLROOM_DATTA", " Did you mean BALLROOM_DATA?"),
        ("ballroom_trusted_proxy", " Did you mean BALLROOM_TRUSTED_PROXIES?"),
        ("BALLROOM_PORT", " Did you mean PORT?"),
        ("BALLROOM_WORKERS", " Did you mean WORKERS?"),
        ("BALLROOM_QQQQQQQQQQQQ", ""),
    ],
)
def test_an_unknown_setting_is_named_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch, variable: str, suggestion: str
) -> None:
    monkeypatch.setenv(variable, "1")
    [sentence] = unknown_settings()
    named, page = (
        f"{variable} is not a setting and has no effect.",
        "docs/reference/configuration.md lists",
    )
    assert sentence == f"{named}{suggestion} {page} every setting."


def test_known_settings_and_those_of_the_scripts_are_not_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("BALLROOM_DATA", "ballroom_url", "BALLROOM_BACKUPS_KEPT", "PORT"):
        monkeypatch.setenv(variable, "1")
    assert unknown_settings() == []


@pytest.mark.parametrize(
    ("given", "name", "url"),
    [
        ("", "", ""),
        ("central", "central", "https://api.central.ballerina.io/2.0/registry"),
        ("https://a.example/", "a.example", "https://a.example/2.0/registry"),
        ("https://a.example/2.0/registry", "a.example", "https://a.example/2.0/registry"),
        ("http://localhost:8080", "localhost:8080", "http://localhost:8080/2.0/registry"),
        ("http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1/2.0/registry"),
    ],
)
def test_an_upstream_is_central_or_an_address(given: str, name: str, url: str) -> None:
    settings = Settings(upstream=given)
    assert [(each.name, each.url) for each in settings.upstreams] == ([(name, url)] if name else [])


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ("blr_dev_1", {}),
        ("a.example=blr_dev_1", {"a.example": "blr_dev_1"}),
        ("A.example=ey.x-y_z~+/==, central=two", {"a.example": "ey.x-y_z~+/==", "central": "two"}),
        ("b.example:8080=three", {"b.example:8080": "three"}),
    ],
)
def test_a_token_is_for_one_upstream(given: str, tokens: dict[str, str]) -> None:
    upstreams = "https://a.example,central" if tokens else "https://a.example"
    settings = Settings(upstream=upstreams, upstream_token=SecretStr(given))
    assert given not in repr(settings)
    addresses = parse_upstreams(["https://a.example", "central", "https://b.example:8080"])
    found = {each.name: settings.token_of(each) for each in addresses}
    expected = tokens or {"a.example": given}
    assert {name: each.reveal() for name, each in found.items() if each} == expected


def test_without_a_token_there_is_none() -> None:
    settings = Settings(upstream="central")
    assert [settings.token_of(each) for each in settings.upstreams] == [None]


@pytest.mark.parametrize(
    ("upstream", "given", "reason"),
    [
        ("", "blr_dev_1", "it does not say which registry it is for"),
        ("central,https://a.example", "blr_dev_1", "it does not say which registry it is for"),
        ("central", "blr dev 1", "it is not a token, or host=token for each registry"),
        ("central", "one,two", "it has two tokens for central. Give one"),
    ],
)
def test_a_token_that_cannot_be_used_is_refused_without_its_text(
    upstream: str, given: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as invalid:
        Settings(upstream=upstream, upstream_token=SecretStr(given))
    problem = setting_problem(invalid.value)
    assert problem.startswith(f"BALLROOM_UPSTREAM_TOKEN cannot be used: {reason}")
    assert given not in problem


# What cannot be used, by the setting and the beginning of the sentence.
NO_URL, EMULATOR = "it is not a valid URL", "http://127.0.0.1:8081"
HOST_TWICE, HOSTS = "https://a.example,https://A.example/", "https://a{}.example"
REFUSED: list[tuple[str, object, str]] = [
    *(("environment", value, "") for value in ("Prod", "my_registry", "", "a" * 13, "prod\n")),
    *(("log_level", value, "") for value in ("INFO", "infos", "verbose")),
    ("trusted_proxies", "example.org", "'example.org' does not appear to be"),
    ("report_keys_url", "scanner.example", NO_URL),
    ("mail", "pigeon", ""),
    ("mail_from", "ballroom", ""),
    ("smtp_encryption", "maybe", ""),
    ("acs_endpoint", "http://ballroom.communication.azure.com", ""),
    ("founding", "nobody", ""),
    ("publish_from_github", "token.actions.githubusercontent.com", ""),
    ("publish_from_gitlab", "https://gitlab.com, gitlab.example.org", ""),
    ("publish_from_azure_devops", "octo", ""),
    ("archive_cdn_url", "cdn.example.org", ""),
    ("archive_cdn_resource", "ballroom-x", ""),
    ("archive_cdn_resource", f"{FRONT_DOOR}/purge?x=", ""),
    ("key_vault", "https://kv.vault.azure.net", "it is set, and BALLROOM_COSMOS"),
    *(("upstream", value, NO_URL) for value in ("Central", "https://user@a.example")),
    ("upstream", "http://a.example", "it is plain http, which is allowed on this machine only."),
    ("upstream", HOST_TWICE, "it names one host twice. Name each once"),
    ("upstream", ",".join(map(HOSTS.format, range(11))), "it names more than 10 registries"),
]
REFUSED_IN_THE_CLOUD = [
    ("cosmos_endpoint", "ballroom", NO_URL),
    ("blob_endpoint", "ballroom", NO_URL),
    ("link_key", "a" * 32, "BALLROOM_KEY_VAULT is set as well"),
    *(("key_vault", value, "it is no") for value in ("http://kv.test", "kv", "https://kv/?x=1")),
    ("key_secret", "secrets/link-key", ""),
]


@pytest.mark.parametrize(
    ("others", "name", "value", "reason"),
    [*(({}, *each) for each in REFUSED), *((VAULT, *each) for each in REFUSED_IN_THE_CLOUD)],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_setting_and_the_reason(
    others: dict[str, object], name: str, value: object, reason: str
) -> None:
    line = problem(**{**others, name: value})
    assert line.startswith(f"BALLROOM_{name.upper()} cannot be used: {reason}")


@pytest.mark.parametrize(
    ("endpoint", "key"), [("cosmos_endpoint", "cosmos_key"), ("blob_endpoint", "blob_connection")]
)
def test_without_its_key_an_emulator_is_not_asked(endpoint: str, key: str) -> None:
    line = problem(**{**CLOUD, endpoint: EMULATOR})
    assert line.startswith(f"BALLROOM_{key.upper()} cannot be used: it is empty, and no identity")
