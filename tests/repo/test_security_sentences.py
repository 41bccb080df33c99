"""Each sentence of docs/reference/security.md that states a fact about the code has its tests."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from tests.paths import ROOT, docs
from tests.repo.test_security_page import names_in
from tests.support.page_sentences import PROOF, sentences_of

MAPPING = Path(__file__).with_name("security_sentences.toml")
KINDS = {"advice", "missing", "others", "page"}  # The file says what each is.
SENTENCES = {each for each in sentences_of(docs("reference/security")) if not PROOF.search(each)}


def mapped() -> list[dict[str, Any]]:
    return tomllib.loads(MAPPING.read_text("utf-8"))["sentence"]


def test_every_sentence_names_its_tests_or_is_mapped_to_them() -> None:
    missing = SENTENCES - {each["text"] for each in mapped()}
    assert not missing, (
        f"Write these sentences into {MAPPING.relative_to(ROOT)}, each with the tests that fail "
        f"when it is untrue, or correct them on the page: {sorted(missing)}"
    )


def test_no_sentence_is_mapped_that_the_page_does_not_have() -> None:
    texts = [each["text"] for each in mapped()]
    assert [each for each in texts if each not in SENTENCES] == []
    assert [each for each, count in Counter(texts).items() if count > 1] == []


def test_a_mapped_sentence_has_tests_or_is_no_fact_about_the_code() -> None:
    sentences = mapped()
    assert sentences
    for each in sentences:
        tests = each.get("tests", [])
        assert bool(tests) != (each.get("is") in KINDS), each
        assert each.keys() <= {"text", "tests", "is"}, each
        paths = [test.partition("::") for test in tests]
        assert [path for path, _, name in paths if name not in names_in(path)] == [], each


def test_sentences_are_found_in_paragraphs_lists_and_tables() -> None:
    page = """# Title

One. Two is
`split`: [there](a.md). <!-- x -->

- *Three* ends? Yes.
  It does.
- Four.

| a | b |
|---|---|
| c | d |

```
No sentence.
```
"""
    assert [*sentences_of(page)] == [
        "One.",
        "Two is `split`: there.",
        "*Three* ends?",
        "Yes.",
        "It does.",
        "Four.",
        "c | d",
    ]
