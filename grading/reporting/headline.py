"""One sentence that says what happened in a run."""

from collections.abc import Sequence

from grading.reporting.results import Results

IN_WORDS = {
    "PASS": ("passes", "pass"),
    "FAIL": ("fails", "fail"),
    "REVIEW": ("is left to a person", "are left to a person"),
    "INCOMPLETE": ("is not finished", "are not finished"),
}


def headline(results: Results) -> str:
    """What happened to the trainings, the tests and the gated conclusions."""
    if results.plan.withheld is not None:
        return f"No verdicts, and no points: {results.plan.withheld}."
    clauses = [_trainings(results)]
    if results.suite.tests:
        tests = [test for question in results.questions for test in results.suite.of(question.id)]
        passed = sum(test.outcome == "PASS" for test in tests)
        clauses.append(f"{passed} of {len(tests)} tests of the student API pass")
    refuted = [outcome.relation.id for outcome in results.relations if not outcome.holds]
    if refuted:
        clauses.append(f"refuted: {_listed(refuted)}")
    return "; ".join(clauses) + "."


def _trainings(results: Results) -> str:
    """How many configurations have which verdict; those that do not pass are named."""
    by_verdict: dict[str, list[str]] = {verdict: [] for verdict in IN_WORDS}
    for id, outcome in results.outcomes.items():
        by_verdict[outcome.verdict].append(id)
    if by_verdict["PASS"] == list(results.outcomes):
        count = len(results.outcomes)
        return f"All {count} configurations pass" if count > 1 else "The one configuration passes"
    if len(results.outcomes) == 1:
        ((id, outcome),) = results.outcomes.items()
        return f"{id} {IN_WORDS[outcome.verdict][0]}"
    clauses = []
    for verdict, ids in by_verdict.items():
        if ids:
            names = "" if verdict == "PASS" else f" ({_listed(ids)})"
            clauses.append(f"{len(ids)} {IN_WORDS[verdict][len(ids) > 1]}{names}")
    return f"Of {len(results.outcomes)} configurations {_listed(clauses)}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
