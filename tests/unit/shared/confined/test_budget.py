"""What readers see of a limit that was exceeded."""

from shared.confined.budget import Budget, Exceeded

BUDGET = Budget(processor_seconds=20, memory_bytes=384 << 20, output_bytes=96 << 20)


def test_each_reason_has_a_sentence_with_the_limit() -> None:
    assert {each: each.sentence(BUDGET) for each in Exceeded} == {
        Exceeded.MEMORY: "it takes more than 384 MiB of memory",
        Exceeded.PROCESSOR: (
            "it takes more processor time than is left of the 20 seconds of a job"
        ),
        Exceeded.TIME: "it takes too long",
        Exceeded.OUTPUT: "the result does not fit into 96 MiB",
        Exceeded.CRASHED: "it cannot be read without an error of the program",
    }
