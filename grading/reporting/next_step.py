"""What a person does after a run, in a few words."""

import re
import shlex
from typing import TYPE_CHECKING

from grading.assignment.test_ids import marker_of
from grading.protocol.handed_out import is_handout
from grading.running.resolve import TESTS_ONLY

if TYPE_CHECKING:
    from grading.reporting.results import Results

_REVIEW = {
    False: "open the report and decide about {}",
    True: "look at the learning curve of {} in the report; your instructor decides",  # a student's own run
}
STUBS = "hw4"  # what pytest tests if it is not told otherwise


def next_step(results: "Results", submission: str, resume: str, *, is_stopped: bool) -> str:
    """What to do next; empty if everything has passed.

    Args:
        submission: as the command named it.
        resume: the command that goes on with the run.
        is_stopped: whether the run ended before its end.
    """
    outcomes = results.outcomes.values()
    failures = any(run.kind == "GRADER_ERROR" for outcome in outcomes for run in outcome.runs)
    if is_stopped or failures or results.undecided_tests:
        return resume
    failed = [question for question in results.questions if results.suite.share(question.id) < 1]
    if failed and results.suite.tests:
        return _pytest(failed[0].id, submission)
    plan = results.plan
    if plan.withheld:
        return f"leave out {plan.withheld.removeprefix('a trial with ')}: then there are verdicts"
    if plan.gives_no_verdict == TESTS_ONLY:
        return "leave out --tests-only: then the networks are trained"
    for verdict, what in (
        ("FAIL", "the report shows why {} failed"),
        ("REVIEW", _REVIEW[is_handout()]),
        ("INCOMPLETE", "see above what {} lacks"),
    ):
        if ids := [id for id, outcome in results.outcomes.items() if outcome.verdict == verdict]:
            return what.format(", ".join(ids))
    contradicted = [outcome.relation.id for outcome in results.relations if not outcome.holds]
    return f"the report shows why this does not hold: {', '.join(contradicted)}" if contradicted else ""


def _pytest(question: str, submission: str) -> str:
    """The command that shows what a question's tests found."""
    implementation = [] if re.sub(r"[/\\]+$", "", submission) == STUBS else ["--impl", submission]
    return shlex.join(["pytest", *implementation, "-m", marker_of(question)])
