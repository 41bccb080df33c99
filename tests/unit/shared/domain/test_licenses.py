"""Licenses as SPDX expressions, and what the rule about them says."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.licenses import LicenseUnreadable, parse_license, parse_licenses
from shared.domain.publishing_rules import (
    OF_REGISTRY,
    OrganizationRules,
    RegistryRules,
    RuleEffect,
    stricter,
)
from shared.domain.rules.license_rule import LicensedRelease, license_findings


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("MIT", [["MIT"]]),
        ("mit", [["MIT"]]),
        ("MIT OR apache-2.0", [["Apache-2.0"], ["MIT"]]),
        ("MIT and (BSD-3-Clause or ISC)", [["BSD-3-Clause", "MIT"], ["ISC", "MIT"]]),
        ("GPL-2.0", [["GPL-2.0-only"]]),  # An id of earlier versions of SPDX's list.
        ("GPL-2.0+", [["GPL-2.0-or-later"]]),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            [["GPL-2.0-only WITH Classpath-exception-2.0"]],
        ),
        ("LicenseRef-Apache", [["LicenseRef-Apache"]]),  # Of somebody's own, whatever it is called.
        ("none", [["NONE"]]),
    ],
)
def test_an_expression_leaves_alternatives(text: str, alternatives: list[list[str]]) -> None:
    read = parse_license(text)
    assert [sorted(map(str, each)) for each in read.alternatives] == alternatives
    assert read.unknown == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(MIT OR", "OR has a license on one side alone"),
        ("MIT)", "its parentheses do not match"),
        ("", "it names no license"),
        ("MIT Apache-2.0 ISC", "it cannot be read as an expression"),
        ("Classpath-exception-2.0", "an exception comes behind WITH and a license"),
        ("(" * 900, "it cannot be read as an expression"),
        ("MIT" * 400, "it has more than 1,000 characters"),
        (
            " AND ".join(f"(LicenseRef-{n} OR LicenseRef-x{n})" for n in range(20)),
            "it leaves more than 256 alternatives",
        ),
    ],
)
def test_what_is_no_expression_says_why(text: str, reason: str) -> None:
    with pytest.raises(LicenseUnreadable, match="^" + reason):
        parse_license(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("(MIT OR", "(MIT OR is no license of SPDX: OR has a license on one side alone. Write an "),
        (
            "apache 2.0",
            "SPDX has no license apache 2.0. Do you mean Apache-2.0? A license of your ",
        ),
        ("MIT, ISC", "MIT, ISC is no license of SPDX: it cannot be read as"),
        ("Acme-EULA", "A license of your own is written LicenseRef-Acme-EULA."),
    ],
)
def test_a_rule_takes_only_expressions_of_spdx(text: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_licenses([text])
    assert sentence in str(refused.value)


def test_a_rule_keeps_each_expression_once_as_spdx_spells_it() -> None:
    assert parse_licenses(["mit", " MIT ", "", "none", "GPL-2.0"]) == (
        "MIT",
        "NONE",
        "GPL-2.0-only",
    )


CLASSPATH = "GPL-2.0-only WITH Classpath-exception-2.0"


@pytest.mark.parametrize(
    ("allowed", "refused", "licenses", "effect"),
    [
        ((), (), ("GPL-3.0-only",), None),
        (("MIT",), (), ("mit",), None),
        (("MIT",), (), ("GPL-3.0-only",), RuleEffect.REFUSE),
        (("MIT",), (), ("GPL-3.0-only OR MIT",), None),
        (("MIT",), (), ("GPL-3.0-only AND MIT",), RuleEffect.REFUSE),
        (("MIT",), (), ("MIT", "GPL-3.0-only"), RuleEffect.REFUSE),  # All that are listed hold.
        (("MIT OR ISC",), (), ("MIT", "ISC"), None),
        (("MIT AND ISC",), (), ("MIT",), RuleEffect.REFUSE),
        (("MIT AND ISC",), (), ("MIT AND ISC",), None),
        (("MIT",), (), (), RuleEffect.REFUSE),
        (("MIT",), (), ("  ",), RuleEffect.REFUSE),
        (("MIT", "NONE"), (), (), None),
        ((), ("GPL-3.0-only",), (), None),
        ((), ("NONE",), (), RuleEffect.REFUSE),
        ((), ("GPL-3.0-only",), ("GPL-3.0-only",), RuleEffect.REFUSE),
        ((), ("GPL-3.0-only",), ("MIT OR GPL-3.0-only",), None),
        ((), ("GPL-3.0-only",), ("MIT AND GPL-3.0-only",), RuleEffect.REFUSE),
        ((), ("GPL-3.0-only",), ("GPL v3",), RuleEffect.REFUSE),
        ((), ("GPL-3.0-only",), ("Acme-EULA",), RuleEffect.WARN),
        ((), ("GPL-3.0-only",), ("(MIT OR",), RuleEffect.REFUSE),
        (("MIT",), (), ("Acme-EULA",), RuleEffect.REFUSE),
        (("LicenseRef-acme",), (), ("licenseref-ACME",), None),
        (("GPL-2.0-only",), (), (CLASSPATH,), None),
        ((CLASSPATH,), (), ("GPL-2.0-only",), RuleEffect.REFUSE),
        ((), ("GPL-2.0-only",), (CLASSPATH,), RuleEffect.REFUSE),
        ((CLASSPATH,), ("GPL-2.0-only",), (CLASSPATH,), None),
        (("MIT", "ISC"), ("ISC",), ("ISC",), RuleEffect.REFUSE),
    ],
)
def test_licenses_are_refused_or_not_as_the_rules_say(
    allowed: tuple[str, ...],
    refused: tuple[str, ...],
    licenses: tuple[str, ...],
    effect: RuleEffect | None,
) -> None:
    own = OrganizationRules(licenses=allowed, refused_licenses=refused)
    rules = stricter(RegistryRules(), own, "acme")
    found = list(license_findings(LicensedRelease("acme/greet:1.0.0", licenses), rules))
    assert [each.effect for each in found] == ([effect] if effect else [])
    assert all(each.whose == "acme" for each in found)


def test_an_organization_allows_nothing_that_the_registry_refuses() -> None:
    registry = RegistryRules(refused_licenses=("GPL-2.0-only",))
    own = OrganizationRules(licenses=(CLASSPATH,))
    rules = stricter(registry, own, "acme")
    [found] = license_findings(LicensedRelease("acme/greet:1.0.0", (CLASSPATH,)), rules)
    assert (found.whose, found.rule) == (OF_REGISTRY, "license-refused")
    assert found.message == (
        "The rules of the registry about licenses keep acme/greet:1.0.0 out: its license is "
        f"{CLASSPATH}, and they refuse GPL-2.0-only. Publish it under another license, or ask an "
        "administrator to change the rule."
    )


def test_a_mirrored_release_cannot_be_published_under_another_license() -> None:
    rules = stricter(RegistryRules(licenses=("MIT",)), None, "ballerinax")
    release = LicensedRelease("ballerinax/kafka:1.0.0", ("Apache-2.0",), is_mirrored=True)
    [found] = license_findings(release, rules)
    assert found.message.endswith("they allow MIT. Ask an administrator to change the rule.")
