"""A fact about the real CamVid that the protocol `first_three` of Q2-3 rests on."""

import os
from pathlib import Path

import numpy as np
import pytest

from grading.assignment.assignment import read_assignment
from grading.data.camvid import camvid
from grading.data.crops import centre_crop
from grading.scoring.metrics import IGNORED, accuracy_ceiling, confusion_per_image, metrics_of, reduced_labels

SHARED = Path(os.environ.get("HW4_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CAMVID = SHARED / "data" / "CamVid"


@pytest.mark.slow
@pytest.mark.skipif(not CAMVID.is_dir(), reason=f"no CamVid in {CAMVID}")
def test_an_oracle_for_the_first_three_classes_scores_the_ceiling(tmp_path: Path) -> None:
    configuration = read_assignment().configuration("Q2-3-first-three")
    assert configuration.classes is not None
    labels = centre_crop(camvid(CAMVID, tmp_path).validation_labels, configuration.protocols["report"]["crop"])
    reduced = reduced_labels(labels, configuration.mapping)
    assert accuracy_ceiling(reduced) == pytest.approx(0.3342, abs=5e-5)
    oracle = np.where(reduced == IGNORED, 0, reduced)
    accuracy = metrics_of(["accuracy_reported"], confusion_per_image(oracle, reduced, 3))["accuracy_reported"]
    assert accuracy == pytest.approx(0.3342, abs=5e-5)
    published = configuration.published["accuracy_reported"]["best"]
    assert 0.95 < published / accuracy < 1
