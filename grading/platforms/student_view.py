"""What Gradescope shows of a results.json: to students without thresholds, to the staff with them."""

from collections.abc import Iterable, Mapping
from typing import Any

from grading.verdicts.meaning import meaning

# What of a configuration goes into extra_data. The rest holds thresholds, expected values and curves.
FIGURES = ("id", "question", "verdict", "metric", "tail")
RUN = ("profile", "submission_sha256", "device", "sandbox", "calibration_notes", "submission_notes", "grader_notes")
ENTRY = ("name", "number", "score", "max_score", "status", "output", "tags")

FAULT = (
    "The grader itself broke. This says nothing about your submission, and the 0 points are not your grade. "
    "Please tell your instructor."
)


def shown(document: Mapping[str, Any], visibility: str) -> dict[str, Any]:
    """The results of a grading, as Gradescope is to have them.

    Where the reason of a verdict holds thresholds, students read the verdict and their own figure. The reason is an
    entry of its own, which only the staff sees.

    Args:
        document: the content of results.json.
    """
    extra = document["extra_data"]
    by_id = {configuration["id"]: configuration for configuration in extra["configurations"]}
    entries = []
    for test in document["tests"]:
        configuration = by_id.get(test["number"])
        entry = {**_picked(test, ENTRY), "output_format": "text"}
        if configuration is None or not _has_thresholds(configuration):
            entries.append(entry)
            continue
        entries.append({**entry, "output": _without_thresholds(configuration, test["score"])})
        entries.append(_for_staff(entry))
    notes = "\n".join(f"Note: {note}." for note in extra["submission_notes"])
    return {
        **({"output": notes, "output_format": "text"} if notes else {}),
        "score": document["score"],
        "execution_time": round(document["execution_time"]),
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": entries,
        "extra_data": {
            **{name: extra[name] for name in RUN},
            "configurations": [_picked(configuration, FIGURES) for configuration in extra["configurations"]],
        },
    }


def refused(why: str, visibility: str) -> dict[str, Any]:
    """No points, for files that cannot be graded.

    Args:
        why: one line for the student.
    """
    entry = {"name": "The files that were handed in", "status": "failed", "output": why, "output_format": "text"}
    return {"score": 0, "visibility": visibility, "stdout_visibility": "hidden", "tests": [entry]}


def fault() -> dict[str, Any]:
    """The grader's own fault, which says nothing about the submission."""
    return {"score": 0, "output": FAULT, "visibility": "visible", "stdout_visibility": "hidden", "tests": []}


def _has_thresholds(configuration: Mapping[str, Any]) -> bool:
    """Whether the reason is about figures or doubts, not about a test or a training that failed."""
    seeds = configuration["seeds"]
    measured = bool(seeds) and all(seed["failure"] is None for seed in seeds)
    return measured or configuration["distrusted"] is not None


def _without_thresholds(configuration: Mapping[str, Any], score: float) -> str:
    """The verdict, and the submission's own figure."""
    verdict = configuration["verdict"]
    means = meaning(verdict, earns=bool(score))
    count = len(configuration["seeds"])
    of_trainings = "in the last epochs" if count == 1 else f"in the last epochs, in the mean of {count} trainings"
    figure = f"{configuration['metric']}: {configuration['tail']} {of_trainings}"
    return f"{verdict}: {means}" + ("" if configuration["tail"] is None else f"\n{figure}")


def _for_staff(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without points that shows the staff what another one leaves out."""
    return {
        "name": f"{entry['name']} (for the staff)",
        "number": f"{entry['number']}-staff",
        "output": entry["output"],
        "output_format": "text",
        "visibility": "hidden",
    }


def _picked(entries: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: entries[name] for name in names}
