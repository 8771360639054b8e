"""Made-up results with something of everything, for the pages that people read."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from grading.assignment.api_test_record import Checked, Suite
from grading.assignment.assignment import CONTROL, MISTAKEN, OBEYED, read_assignment
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.finding import Finding
from grading.protocol.text import cleaned
from grading.reporting.collect import results_of
from grading.reporting.marks import Mark
from grading.reporting.pictures.figure import Figure
from grading.reporting.pictures.of_results import Figures
from grading.reporting.results import Results
from grading.running.evidence import Answers, Draws, Layer, Shown, draws_file
from grading.running.plan import Plan
from grading.running.resolve import make_plan

EPOCHS = 20
FINDING = Finding(
    "Q1-5: the whole face is in view",
    "the central square of 60 % is inside every draw",
    "face_train_transform(64)(face)",
    "a corner of it is outside in 3 of 20 draws",
    ('File "augmentation.py", line 12, in __call__',),
    "does RandomResizedCrop cut the face?",
    ("image = 96 x 128", "image = 64 x 64", "image = 200 x 65", "image = 71 x 300"),
)
ANSWERS = {
    "Q1-4": "**Fine-tuned** wins, as\n\n- it starts from *pretrained* weights\n- all of it trains\n\n| case | tail |\n"
    "| --- | --- |\n| 1 | 0.84 |\n| 2 | 0.92 |\n\n```\nmodel = freeze(model)\n```\n",
    "Q2-2": "Yes.",
    "Q2-4": "mIoU rose, as `sign` and `pole` are hard.",
}


def whole_plan() -> Plan:
    """Of all configurations."""
    return make_plan(parse(["--unsafe", "--profile", "mini"]))


def rich_results(plan: Plan) -> Results:
    """A configuration for each verdict and each way to it, failed tests, answers, a mark, and notes."""
    tails = {"Q1-1": 0.85, "Q1-2": 0.6, "Q1-3": 0.61, "Q1-5": 0.9, "Q2-1-skips": 0.43, "Q2-1-no-skips": 0.2}
    tails |= {"Q2-3-merged": 0.73, "Q2-3-first-three": 0.3}
    runs = [trained(plan, id, seed, tail) for id, tail in tails.items() for seed in range(plan.seeds)]
    runs += [
        Run("Q1-6", 0, (), 2.0, "FAIL", 'ZeroDivisionError: division by zero\nFile "transfer.py", line 7, in forward'),
        Run("Q1-8", 0, (), 2.0, "GRADER_ERROR", "RuntimeError: no memory (worker.py, line 3)"),
    ]
    runs += [controlled(control.id) for control in plan.controls]
    return replace(
        results_of(plan, {(run.configuration, run.seed): run for run in runs}, suite(), 63.0),
        discussion=dict(ANSWERS),
        marks={"Q2-4": Mark(8.5, "Which classes?")},
        grader_notes=("worker.log: No space left on device; a part of it is missing",),
        calibration_notes=["calibrated with torch 2.14.1 (here 2.13.0)"],
    )


def trained(plan: Plan, id: str, seed: int, tail: float) -> Run:
    """A training that rises to about this tail."""
    configuration = plan.assignment.configuration(id)
    images = len(plan.datasets[configuration.task].validation_images)
    counts = {"right": np.full((images, 2), tail), "union": np.ones((images, 2)), "ignored": np.zeros((images, 2))}
    generator = np.random.default_rng(seed)
    history = []
    for epoch in range(1, EPOCHS + 1):
        value = float(tail * (1 - 0.5 * np.exp((1 - epoch) / 3)) + generator.normal(0, 0.004))
        metrics = {"accuracy": value}
        if configuration.task == "segmentation":
            by_pixel = dict.fromkeys(("accuracy_reported", "accuracy_standard"), 0.8 * value + 0.2)
            metrics = {**dict.fromkeys(("miou_reported", "miou_standard"), value), **by_pixel}
        history.append({"epoch": epoch, "loss": 1 / epoch, **metrics})
    return Run(id, seed, tuple(history), 6.0, counts_by_image={name: part.tolist() for name, part in counts.items()})


def controlled(id: str) -> Run:
    """A control that learned its rule."""
    assert id.endswith(CONTROL)
    return Run(id, 0, ({"epoch": 1, "loss": 0.7, OBEYED: 0.8, MISTAKEN: 0.1},), 1.0)


def suite(finding: Finding = FINDING) -> Suite:
    """All tests: those of Q1-5 about the whole face fail, and those of Q2-3 say nothing."""

    def outcome(id: str, question: str) -> str:
        if question == "Q1-5" and "the_whole_face" in id:
            return "FAIL"
        return "GRADER_ERROR" if question == "Q2-3" else "PASS"

    outcomes = {id: outcome(id, question) for id, question in listed_tests().items()}
    return Suite(
        tuple(
            Checked(id, listed_tests()[id], kind, finding if kind != "PASS" else Finding())
            for id, kind in outcomes.items()
        )
    )


def hostile_results(plan: Plan, text: str) -> Results:
    """Results in which every text that a submission, a person or the grader wrote is this one."""
    results = rich_results(plan)
    failed = [Run(id, 0, (), 1.0, kind, text) for id, kind in (("Q1-1", "FAIL"), ("Q1-2", "GRADER_ERROR"))]
    outcomes = {
        id: replace(outcome, reason=text, runs=(*outcome.runs[:1], *(run for run in failed if run.configuration == id)))
        for id, outcome in results.outcomes.items()
    }
    finding = Finding(text, text, text, text, (text, text), text, (text,) * 9)
    return replace(
        results,
        plan=replace(plan, submission=replace(plan.submission, name=text[:1000])),
        outcomes=outcomes,
        suite=suite(finding),
        notes=dict.fromkeys(outcomes, text),
        discussion=dict.fromkeys(("Q1-4", "Q1-7", "Q2-2", "Q2-4"), cleaned(text, 2**16)),
        marks={"Q2-4": Mark(1.0, text), "Q1-3": Mark(1.0, text)},
        grader_notes=(text,),
        calibration_notes=[text],
    )


def picture(name: str, width: int, *, for_students: bool) -> Figure:
    """A wide picture that names itself."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 200"><rect width="{width}" height="200"/></svg>'
    )
    return Figure("image/svg+xml", svg.encode(), f"alt of {name}", f"caption of {name}", width, for_students)


def every_figure(results: Results) -> Figures:
    """A figure in each place."""
    ids = list(results.outcomes)

    def by_id(kind: str, *, for_students: bool = False) -> dict[str, Figure]:
        return {id: picture(f"{kind} {id}", 520, for_students=for_students) for id in ids}

    return Figures(
        curves=by_id("curves"),
        curves_for_student=by_id("own curves", for_students=True),
        mistakes=by_id("mistakes"),
        confusion=by_id("confusion"),
        iou=by_id("iou"),
        overlays=picture("overlays", 1400, for_students=False),
        augmentation=picture("augmentation", 1200, for_students=True),
        conclusions=picture("conclusions", 520, for_students=False),
        failures=["mistakes of Q1-1: UnusableEvidence: it is damaged"],
    )


def write_evidence(plan: Plan, folder: Path) -> None:
    """Evidence of a run, made up: pictures of the drawn faces and streets, answers that are often right, layers."""
    generator = np.random.default_rng(0)
    for configuration in read_assignment().configurations:
        classes = configuration.num_classes
        right = generator.integers(20, 200, (classes, classes)) + 900 * np.eye(classes, dtype=np.int64)
        size = 64
        images = generator.integers(0, 256, (4, size, size, 3), dtype=np.uint8)
        by_pixel = configuration.task == "segmentation"
        labels = generator.integers(0, classes, (4, size, size) if by_pixel else 4, dtype=np.uint8)
        confidence = None if by_pixel else np.array([0.99, 0.98, 0.9, 0.8], np.float32)
        other = ((labels + 1) % classes).astype(np.uint8)
        answers = Answers(right, images, labels, other, confidence)
        layers = (
            Layer("features.0", "Conv2d", (16, 3, 5, 5), 1216, 0),
            Layer("classifier.6", "Linear", (2, 256), 514, 514),
        )
        Shown(layers, answers).write(folder, configuration.id)
    faces = generator.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    draws = generator.integers(0, 256, (3, 4, 64, 64, 3), dtype=np.uint8)
    Draws(faces, draws, draws).write(draws_file(folder))
