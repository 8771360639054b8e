"""Every figure of a run, from its results and the evidence in their folder."""

from dataclasses import dataclass, field
from pathlib import Path

from grading.reporting.pictures.figure import Figure
from grading.reporting.results import Results


@dataclass
class Figures:
    """What there is to show of a run; what cannot be drawn is missing."""

    curves: dict[str, Figure] = field(default_factory=dict)
    curves_for_student: dict[str, Figure] = field(default_factory=dict)
    mistakes: dict[str, Figure] = field(default_factory=dict)
    confusion: dict[str, Figure] = field(default_factory=dict)
    iou: dict[str, Figure] = field(default_factory=dict)
    overlays: Figure | None = None
    augmentation: Figure | None = None
    conclusions: Figure | None = None
    failures: list[str] = field(default_factory=list)


def figures_of(results: Results, folder: Path) -> Figures:
    """All figures of a run."""
    return Figures()
