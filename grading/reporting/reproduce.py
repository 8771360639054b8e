"""How a run was made: the command that makes it again, and where it ran."""

import platform
import shlex
from pathlib import Path

from grading.reporting.results import Results
from grading.running.conditions import made_with
from grading.running.plan import Plan


def command_of(plan: Plan) -> str:
    """The command that grades the submission again. It is to be called in the folder that holds the submission."""
    words = ["python", "grading/run_all.py", plan.submission.name, "--profile", plan.profile_name]
    words += ["--device", plan.device]
    if len(plan.configurations) < len(plan.assignment.configurations):
        words += ["--only", ",".join(dict.fromkeys(c.question for c in plan.configurations))]
    if not plan.sequential:
        words += ["--seeds", str(plan.seeds)]
    if plan.epochs is not None:
        words += ["--epochs", str(plan.epochs)]
    if plan.limit is not None:
        words += ["--limit", str(plan.limit)]
    command = shlex.join(words)
    return command if plan.profile_name == "mini" else f"{command} --faces DIR --camvid DIR --weights DIR"


def resume_command(out: Path) -> str:
    """What has to be added to the command so that a stopped run goes on."""
    return f"--resume --out {shlex.quote(str(out))}"


def environment(results: Results) -> list[tuple[str, str]]:
    """Where and how the run was made: names and facts."""
    plan = results.plan
    seeds = f"{'up to ' if plan.sequential else ''}{plan.seeds} for each configuration"
    used = {outcome.configuration.id: [str(run.seed) for run in outcome.runs] for outcome in results.outcomes.values()}
    trained = "; ".join(f"{id}: {', '.join(numbers)}" for id, numbers in used.items() if numbers)
    return [
        ("Profile", plan.profile_name),
        ("Python", f"{platform.python_version()}, {platform.system()}"),
        *((name if name != "hardware" else "Hardware", text) for name, text in made_with(plan.device).items()),
        ("Threads", f"{plan.threads} for each training, {plan.parallel} trainings at a time"),
        ("Seeds", f"{seeds} ({trained})" if trained else seeds),
        ("Sandbox", f"{plan.sandbox.tier}: {plan.sandbox.promise}"),
        ("Submission", f"SHA-256 {plan.fingerprint}"),
        *((f"Data, {task}", dataset.fingerprint) for task, dataset in plan.datasets.items()),
        ("Wall time", f"{results.seconds:.0f} s"),
    ]
