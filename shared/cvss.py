"""The base score of CVSS 2, 3 and 4: records about vulnerabilities have only the vector.

Programs that are run by themselves compute it as well, so it needs Python 3.9 or later, and nothing
else.
"""

from __future__ import annotations

_MOST = 10.0


def cvss_score(vector: str) -> float | None:
    """Return the base score of a vector of CVSS 2, 3.0, 3.1 or 4.0; None for another text.

    Metrics that are not of the base are left out of account.
    """
    version, *metrics = vector.split("/")
    given = {name: value for name, _, value in (each.partition(":") for each in metrics)}
    if version in ("CVSS:3.0", "CVSS:3.1"):
        return _score_of_3(given) if _has(given, _METRICS_OF_3) else None
    if version == "CVSS:4.0":
        return _score_of_4(given) if _has(given, _METRICS_OF_4) else None
    name, _, value = version.partition(":")  # A vector of CVSS 2 does not begin with a version.
    given[name] = value
    return _score_of_2(given) if _has(given, _METRICS_OF_2) else None


def cvss_rating(score: float) -> str:
    """Return the word for a score, in the words of public databases: CVSS says medium for
    moderate."""
    for least, word in ((9.0, "critical"), (7.0, "high"), (4.0, "moderate")):
        if score >= least:
            return word
    return "low"


def _has(given: dict[str, str], metrics: dict[str, dict[str, float]]) -> bool:
    return all(given.get(name) in values for name, values in metrics.items())


# --- CVSS 2: its guide, section 3.2.1 ------------------------------------------------------------

_IMPACT_OF_2 = {"N": 0.0, "P": 0.275, "C": 0.660}
_METRICS_OF_2 = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": _IMPACT_OF_2,
    "I": _IMPACT_OF_2,
    "A": _IMPACT_OF_2,
}


def _score_of_2(given: dict[str, str]) -> float:
    value = {name: weights[given[name]] for name, weights in _METRICS_OF_2.items()}
    impact = 10.41 * (1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"]))
    if not impact:
        return 0.0
    exploitability = 20 * value["AV"] * value["AC"] * value["Au"]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * 1.176, 1)


# --- CVSS 3: its specification, section 7.1 ------------------------------------------------------

_IMPACT_OF_3 = {"H": 0.56, "L": 0.22, "N": 0.0}
_METRICS_OF_3 = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": _IMPACT_OF_3,
    "I": _IMPACT_OF_3,
    "A": _IMPACT_OF_3,
}
_PRIVILEGES_IN_CHANGED_SCOPE = {"N": 0.85, "L": 0.68, "H": 0.5}


def _score_of_3(given: dict[str, str]) -> float:
    value = {name: weights[given[name]] for name, weights in _METRICS_OF_3.items()}
    is_changed = given["S"] == "C"
    if is_changed:
        value["PR"] = _PRIVILEGES_IN_CHANGED_SCOPE[given["PR"]]
    loss = 1 - (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if is_changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * value["AV"] * value["AC"] * value["PR"] * value["UI"]
    total = min((1.08 if is_changed else 1.0) * (impact + exploitability), _MOST)
    # Rounded up to a tenth, in whole numbers since 4.02 is no exact float (appendix A).
    hundred_thousandths = round(total * 100_000)
    tenths, rest = divmod(hundred_thousandths, 10_000)
    return (tenths + bool(rest)) / 10


# --- CVSS 4: its specification, section 8.2 ------------------------------------------------------

# How far each value is below the gravest one.
_IMPACT_OF_4: dict[str, float] = {"H": 0, "L": 1, "N": 2}
_METRICS_OF_4: dict[str, dict[str, float]] = {
    "AV": {"N": 0, "A": 1, "L": 2, "P": 3},
    "PR": {"N": 0, "L": 1, "H": 2},
    "UI": {"N": 0, "P": 1, "A": 2},
    "AC": {"L": 0, "H": 1},
    "AT": {"N": 0, "P": 1},
    "VC": _IMPACT_OF_4,
    "VI": _IMPACT_OF_4,
    "VA": _IMPACT_OF_4,
    "SC": _IMPACT_OF_4,
    "SI": _IMPACT_OF_4,
    "SA": _IMPACT_OF_4,
}
# The tables of the specification for vectors with base metrics only: EQ5 is 0, EQ4 is 1 or 2, and
# requirements are high. Scores of macro vectors in tenths: by EQ1, EQ2, EQ3 with EQ6, EQ4.
_SCORES_OF_4 = {
    (0, 0): {"00": (100, 93), "01": (96, 90), "10": (93, 88), "11": (92, 80), "21": (79, 69)},
    (0, 1): {"00": (95, 92), "01": (91, 81), "10": (92, 84), "11": (82, 70), "21": (71, 63)},
    (1, 0): {"00": (94, 87), "01": (89, 75), "10": (86, 72), "11": (76, 57), "21": (65, 53)},
    (1, 1): {"00": (90, 77), "01": (77, 66), "10": (74, 61), "11": (59, 52), "21": (58, 23)},
    (2, 0): {"00": (86, 70), "01": (74, 54), "10": (72, 53), "11": (57, 36), "21": (47, 24)},
    (2, 1): {"00": (73, 54), "01": (55, 43), "10": (61, 46), "11": (51, 18), "21": (24, 10)},
}
# The highest vectors of each equivalence class, as distances below the gravest values, and how many
# steps it is deep.
_HIGHEST_OF_EQ1 = (((0, 0, 0),), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), ((3, 0, 0), (1, 1, 1)))
_HIGHEST_OF_EQ2 = (((0, 0),), ((1, 0), (0, 1)))
_HIGHEST_OF_EQ3 = {"00": ((0, 0, 0),), "10": ((1, 0, 0), (0, 1, 0)), "21": ((1, 1, 1),)}
_DEPTH_OF_EQ1 = (1, 4, 5)
_DEPTH_OF_EQ2 = (1, 2)
_DEPTH_OF_EQ3 = {"00": 7, "10": 8, "21": 10}
_DEPTH_OF_EQ4 = (5, 4)
# The classes of EQ3 with EQ6 below each, of which the higher score counts.
_BELOW_EQ3 = {"00": ("01", "10"), "10": ("11",), "21": ()}
_WHOLE = 2520  # Divisible by each depth, so that nothing is rounded before the end.


def _score_of_4(given: dict[str, str]) -> float:
    below = {name: int(values[given[name]]) for name, values in _METRICS_OF_4.items()}
    if all(given[name] == "N" for name in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    reach = (below["AV"], below["PR"], below["UI"])
    effort = (below["AC"], below["AT"])
    vulnerable = (below["VC"], below["VI"], below["VA"])
    subsequent = (below["SC"], below["SI"], below["SA"])
    eq1 = 0 if not any(reach) else 1 if not all(reach) and given["AV"] != "P" else 2
    eq2 = int(any(effort))
    eq3 = "00" if not any(vulnerable[:2]) else "10" if not all(vulnerable) else "21"
    eq4 = int(all(subsequent))
    scores = _SCORES_OF_4[eq1, eq2]
    value = scores[eq3][eq4]
    # For each class that has one below: how much lower that one scores, how far the vector is from
    # the highest of its class, and how deep its class is. That of EQ5 is the highest one.
    steps = [(0, 0, 1)]
    if eq1 + 1 < len(_HIGHEST_OF_EQ1):
        lower = _SCORES_OF_4[eq1 + 1, eq2][eq3][eq4]
        steps.append((value - lower, _distance(reach, _HIGHEST_OF_EQ1[eq1]), _DEPTH_OF_EQ1[eq1]))
    if eq2 == 0:
        lower = _SCORES_OF_4[eq1, 1][eq3][eq4]
        steps.append((value - lower, _distance(effort, _HIGHEST_OF_EQ2[eq2]), _DEPTH_OF_EQ2[eq2]))
    if _BELOW_EQ3[eq3]:
        lower = max(scores[each][eq4] for each in _BELOW_EQ3[eq3])
        far = _distance(vulnerable, _HIGHEST_OF_EQ3[eq3])
        steps.append((value - lower, far, _DEPTH_OF_EQ3[eq3]))
    if eq4 == 0:
        steps.append((value - scores[eq3][1], sum(subsequent), _DEPTH_OF_EQ4[eq4]))
    distance = sum(lower * far * _WHOLE // depth for lower, far, depth in steps)
    # Half a tenth is rounded up.
    count = len(steps) * _WHOLE
    tenths = (2 * (value * count - distance) + count) // (2 * count)
    return min(max(tenths / 10, 0.0), _MOST)


def _distance(values: tuple[int, ...], highest: tuple[tuple[int, ...], ...]) -> int:
    """Return how many steps values are below the first of the highest vectors that is nowhere below
    them."""
    for each in highest:
        steps = [value - most for value, most in zip(values, each)]  # noqa: B905 - Python 3.9 has no strict.
        if min(steps) >= 0:
            return sum(steps)
    return 0
