"""docs/run/questions.md: each answer has a proof, which exists and says what the answer says."""

import re

import pytest
from msgspec import Struct

from shared.prose.manual import FILES
from tests.paths import ROOT
from tests.repo.test_docs import LINK, anchors

PAGE = ROOT / "docs" / "run" / "questions.md"
# The domains of CCM 4.0 with the number of their controls, of which a registry answers some.
DOMAINS = {
    "A&A": 6,
    "AIS": 7,
    "BCR": 11,
    "CCC": 9,
    "CEK": 21,
    "DCS": 15,
    "DSP": 19,
    "GRC": 8,
    "HRS": 13,
    "IAM": 16,
    "IPY": 4,
    "IVS": 9,
    "LOG": 13,
    "SEF": 8,
    "STA": 14,
    "TVM": 10,
    "UEM": 14,
}
ASKED = (  # What an answer is there for, whatever its heading becomes.
    "CEK-03",
    "CEK-12",
    "CEK-21",
    "IVS-04",
    "IVS-06",
    "LOG-06",
    "LOG-08",
    "BCR-08",
    "BCR-11",
    "CCC-02",
    "TVM-03",
    "TVM-06",
    "DSP-03",
    "DSP-14",
    "IAM-04",
    "IAM-08",
    "IAM-10",
    "IAM-14",
    "SEF-07",
    "TVM-02",
    "IPY-04",
)
# Facts of an answer that a page has to say as well: what is set as code, and numbers.
CODE = re.compile(r"`([^`]+)`")
NUMBER = re.compile(
    r"(?<![\w.#-])(?:\d+(?:\.\d+)*|two|three|four|five|seven|ten|fourteen|ninety)(?![\w-])"
)


class Question(Struct, frozen=True):
    """A question with its answer and its proofs."""

    title: str
    controls: tuple[str, ...]
    answer: str
    links: tuple[str, ...]


def questions() -> list[Question]:
    found = list[Question]()
    for part in PAGE.read_text("utf-8").split("\n### ")[1:]:
        title, _, body = part.partition("\n")
        body = body.partition("\n## ")[0]
        controls = re.findall(r"^CAIQ: (.+)$", body, re.MULTILINE)
        text, _, proof = body.partition("\nProof: ")
        answer = re.sub(r"^CAIQ: .+$", "", text, flags=re.MULTILINE)
        found.append(
            Question(
                title=title,
                controls=tuple(", ".join(controls).split(", ")) if controls else (),
                answer=" ".join(answer.split()),
                links=tuple(LINK.findall(proof)),
            )
        )
    return found


def section(link: str) -> str:
    """Return the text that a link leads to: a page, or the section of its anchor."""
    path, _, anchor = link.partition("#")
    page = (PAGE.parent / path).resolve()
    text = page.read_text("utf-8")
    if not anchor:
        return text
    assert anchor in anchors(page), link
    kept = list[str]()
    level = 0
    for line in text.splitlines():
        heading = re.match(r"(#+) (.+)", line)
        if heading and level and len(heading[1]) <= level:
            break
        if heading and not level and name_of(heading[2]) == anchor:
            level = len(heading[1])
        if level:
            kept.append(line)
    return "\n".join(kept)


def name_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


QUESTIONS = questions()
IDS = [each.title for each in QUESTIONS]


def test_every_topic_of_an_evaluation_is_answered() -> None:
    answered = {control for each in QUESTIONS for control in each.controls}
    assert set(ASKED) <= answered
    assert len(QUESTIONS) > 30
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_controls_are_those_of_the_matrix(question: Question) -> None:
    for control in question.controls:
        domain, _, number = control.rpartition("-")
        assert re.fullmatch(r"\d\d", number), control
        assert 1 <= int(number) <= DOMAINS[domain], control


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_an_answer_has_two_sentences_at_most_and_a_proof(question: Question) -> None:
    sentences = re.split(r"(?<=[.])\s+(?=[A-Z`])", question.answer)
    assert 1 <= len(sentences) <= 2, sentences
    assert question.answer.endswith(".")
    assert question.links
    for link in question.links:
        assert not link.startswith("http"), link
        assert section(link), link


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_an_answer_claims_nothing_that_its_proof_does_not_say(question: Question) -> None:
    proof = "\n".join(section(link) for link in question.links)
    said = " ".join(proof.split())
    facts = CODE.findall(question.answer)
    facts += NUMBER.findall(CODE.sub("", question.answer))
    missing = [each for each in facts if not re.search(rf"(?<!\w){re.escape(each)}(?!\w)", said)]
    assert missing == []


def test_the_pages_are_in_the_manual() -> None:
    assert {"run/questions.md", "run/hardening.md", "run/leave.md", "run/evidence.md"} <= set(FILES)
