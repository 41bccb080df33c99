"""Modules of a release and their documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.generator import DocsGenerator, ModuleSource
from tests.support.documented import GRAPH, SHOP, documented, module_of, package_docs


def test_a_module_says_what_it_is() -> None:
    source = module_of("public function f() { }")
    docs = package_docs(
        ModuleSource(name="shop", files=source.files, readme="# Shop\n", summary="Sells.")
    )
    module = docs.modules[0]
    assert (module.id, module.org_name, module.version) == ("shop", "acme", "1.2.0")
    assert (module.description, module.summary) == ("# Shop\n", "Sells.")
    assert module.is_default_module
    assert module.related_modules == ()
    assert docs.unread == ()


def test_a_module_is_documented_without_the_others_and_with_their_types() -> None:
    broken = module_of("public function f( {\npublic function g() { }\n", "shop.a")
    user = module_of("import acme/shop.b as b;\npublic type R record {| *b:T; |};")
    hidden = module_of("public type T record {| int x; |};", "shop.b", exported=False)
    generator = DocsGenerator(SHOP, (user, broken, hidden), GRAPH)
    assert generator.exported == [user, broken]
    docs, unread = generator.module(user)
    assert docs == package_docs(user, broken, hidden).modules[0]
    assert unread == ()
    docs, unread = generator.module(broken)
    assert [each.name for each in docs.functions] == ["g"]
    assert [(each.module, each.file) for each in unread] == [("shop.a", "main.bal")]
    related = [(each.id, each.is_default_module) for each in docs.related_modules]
    assert related == [("shop", True), ("shop.a", False)]


@pytest.mark.slow
def test_a_long_chain_of_definitions_ends() -> None:
    chain = "".join(f"public type T{i} T{i + 1};\n" for i in range(5000))
    errors = "".join(f"public type E{i} E{i + 1}|E{i + 2};\n" for i in range(5000))
    included = "".join(
        f"public type R{i} record {{| *R{i + 1}; int f{i}; |}};\n" for i in range(200)
    )
    docs = package_docs(module_of(f"{chain}{errors}{included}"))
    assert docs.unread == ()
    assert len(docs.modules[0].records) == 200


def test_a_name_that_is_defined_twice_is_the_first() -> None:
    docs = documented("public type A record {| |};\npublic type A int;\npublic function f(A a) { }")
    tree = docs.functions[0].parameters[0].type
    assert tree
    assert tree.category == "records"


WORDS = """
public type A record { } ; int x = 1 *B class object function ( ) | & ? [ ] map < > B error distinct
enum , remote returns import a/b as c : # @d const
"""


@given(st.lists(st.sampled_from([*WORDS.split(), "\n"])))
def test_any_sequence_of_words_is_documented(words: list[str]) -> None:
    docs = package_docs(module_of(" ".join(words)))
    assert docs.modules[0].id == "shop"
