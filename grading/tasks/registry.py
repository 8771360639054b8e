"""The tasks by name."""

from collections.abc import Mapping

from grading.assignment.assignment import Configuration
from grading.tasks.classification import Classification
from grading.tasks.segmentation import Segmentation
from grading.tasks.task import Task

TASKS: Mapping[str, Task] = {task.facts.name: task for task in (Classification(), Segmentation())}


def task_of(configuration: Configuration) -> Task:
    """The task of a configuration or a control."""
    return TASKS[configuration.task]
