"""Where and how a run was made."""

import platform

from grading.reporting.results import Results
from grading.running.conditions import made_with


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
