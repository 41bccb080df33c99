"""The base score of CVSS 3, of which records about vulnerabilities have the vector alone.

Programs that are run by themselves compute it as well, so it needs Python 3.9 or later, and nothing
else.
"""

from __future__ import annotations

_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_METRICS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": _IMPACT,
    "I": _IMPACT,
    "A": _IMPACT,
}
_PRIVILEGES_IN_CHANGED_SCOPE = {"N": 0.85, "L": 0.68, "H": 0.5}


def cvss_score(vector: str) -> float | None:
    """Return the base score of a vector of CVSS 3.0 or 3.1 (its specification, section 7.1); None
    for another text."""
    version, *metrics = vector.split("/")
    given = {name: value for name, _, value in (each.partition(":") for each in metrics)}
    if version not in ("CVSS:3.0", "CVSS:3.1") or any(
        given.get(name) not in weights for name, weights in _METRICS.items()
    ):
        return None
    value = {name: weights[given[name]] for name, weights in _METRICS.items()}
    is_changed = given["S"] == "C"
    if is_changed:
        value["PR"] = _PRIVILEGES_IN_CHANGED_SCOPE[given["PR"]]
    loss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if is_changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * value["AV"] * value["AC"] * value["PR"] * value["UI"]
    total = min((1.08 if is_changed else 1.0) * (impact + exploitability), 10.0)
    # Rounded up to a tenth, in whole numbers since 4.02 is no exact float (appendix A).
    hundred_thousandths = round(total * 100_000)
    tenths, rest = divmod(hundred_thousandths, 10_000)
    return (tenths + bool(rest)) / 10


def cvss_rating(score: float) -> str:
    """Return the word for a score, in the words of public databases: CVSS says medium for
    moderate."""
    for least, word in ((9.0, "critical"), (7.0, "high"), (4.0, "moderate")):
        if score >= least:
            return word
    return "low"
