"""results.json, in Gradescope's format."""

import json
import math
from typing import TYPE_CHECKING, Any

from grading.verdicts import Outcome

if TYPE_CHECKING:
    from grading.reporting import Results


def results_json(results: "Results") -> str:
    """The document of contract.md, section 3. JSON has no NaN: such a metric is null."""
    points = {id: results.points(outcome) for id, outcome in results.outcomes.items()}
    document = {
        "score": sum(earned for earned, _ in points.values()),
        "execution_time": results.seconds,
        "tests": [_test(id, outcome, *points[id]) for id, outcome in results.outcomes.items()],
        "extra_data": {
            "profile": results.plan.profile_name,
            "submission": results.plan.submission.name,
            "submission_sha256": results.plan.submission.fingerprint(),
            "device": results.plan.device,
            "threads": results.plan.threads,
            "configurations": [_configuration(outcome) for outcome in results.outcomes.values()],
            "relations": [
                {
                    "id": outcome.relation.id,
                    "question": outcome.relation.question,
                    "better": outcome.relation.better,
                    "worse": outcome.relation.worse,
                    "verdict": outcome.verdict,
                    "difference": outcome.difference,
                    "interval": outcome.interval,
                }
                for outcome in results.relations
            ],
        },
    }
    return json.dumps(_without_nan(document), indent=2, allow_nan=False) + "\n"


def _test(id: str, outcome: Outcome, earned: float, possible: float) -> dict[str, Any]:
    return {
        "name": f"{id}: {outcome.configuration.title}",
        "number": id,
        "score": earned,
        "max_score": possible,
        "status": "passed" if outcome.verdict == "PASS" else "failed",
        "output": f"{outcome.verdict}: {outcome.reason}",
        "tags": [outcome.configuration.question, outcome.verdict],
    }


def _configuration(outcome: Outcome) -> dict[str, Any]:
    metric = outcome.configuration.metric
    return {
        "id": outcome.configuration.id,
        "question": outcome.configuration.question,
        "title": outcome.configuration.title,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "metric": metric,
        "tail": outcome.tail,
        "expected": outcome.expected,
        "basis": outcome.basis,
        "threshold": outcome.threshold,
        "published": outcome.configuration.published,
        "seeds": [
            {
                "seed": run.seed,
                "initial": run.initial(metric) if run.history else None,
                "best": run.best(metric) if run.history else None,
                "tail": run.tail(metric) if run.history else None,
                "seconds": run.seconds,
                "failure": run.failure,
                "history": list(run.history),
            }
            for run in outcome.runs
        ],
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
