"""The training loop, the same for classification and segmentation."""

import random
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.process_state import ProcessState, inside
from grading.worker.probes.running import scores_of
from grading.worker.student import LocalStudent, call
from grading.worker.training.classification import Classification
from grading.worker.training.memory_format import in_best_format
from grading.worker.training.networks import build_network, build_scheduler, example
from grading.worker.training.observed import Observed
from grading.worker.training.segmentation import Segmentation

TASKS: dict[str, Any] = {"classification": Classification, "segmentation": Segmentation}
NO_GRADIENT = (
    "the loss depends on no parameter that trains: all are frozen, or forward cuts the gradient off with detach or "
    "no_grad"
)


def train(job: Plain, student: LocalStudent) -> Iterator[Plain]:
    """Train one configuration with one seed.

    Args:
        job: the configuration's protocol, data and weights; see `grading.running.training.blinded`.
        student: whose code builds the network and the augmentation.

    Yields:
        `{"built": ...}` as in `Observed.built`; after every epoch `{"loss": mean training loss, "logits": float32
        (N, classes, ...) of this epoch's validation images, "seconds": wall time of the epoch}`; at the end
        `{"trained": ...}` as in `Observed.trained`.

    Raises:
        StudentRaised: the student's code raised, or built what cannot be trained.
    """
    torch.set_num_threads(job["threads"])
    with inside(student.state):
        device = torch.device(job["device"])
        for module in modules_of(job):
            student.module(module)
        # Only now: a module may set seeds of its own as it is imported.
        seed_everything(job["seed"])
        task = TASKS[job["task"]](job, student)
        model, optimizer = build_network(job, student)
        observed = Observed(model, job["weights"])
        yield {"built": observed.built()}
        student.state.restore_settings()
        if device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # so that `predict` is in float32 indeed
        model.to(device)
        in_best_format(model, example(job).to(device), channels_last=job["channels_last"])
        scheduler = build_scheduler(optimizer, job["protocol"])
        parts = [part for part, epochs in enumerate(job["validation_epochs"]) for _ in range(epochs)]
        for part in parts:
            start = time.perf_counter()
            loss = train_one_epoch(model, task, optimizer, device, student.state)
            scheduler.step()
            logits = predict(model, task, part, device)
            yield {"loss": loss, "logits": logits, "seconds": time.perf_counter() - start}
        yield {"trained": observed.trained()}


def modules_of(job: Plain) -> list[str]:
    """The student's modules that a training uses."""
    network = "fcn" if job["network"]["build"] == "fcn8s" else "transfer"
    return [network, *TASKS[job["task"]].modules_of(job)]


def seed_everything(seed: int) -> None:
    """Seed all that the harness or a student may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def train_one_epoch(
    model: nn.Module, task: Any, optimizer: torch.optim.Optimizer, device: torch.device, state: ProcessState
) -> float:
    """One pass over the training images.

    Args:
        state: its settings hold for each step, whatever the student's transform has set while it drew the batch.

    Returns:
        The mean loss of its batches.
    """
    model.train()
    losses = []
    for images, targets in task.batches():
        state.restore_settings()
        with autocast(device):
            logits = scores_of(model, images.to(device, non_blocking=True))
            loss = task.loss(logits.float(), targets.to(device, non_blocking=True))
        optimizer.zero_grad(set_to_none=True)
        if not loss.requires_grad:
            raise StudentRaised(["ValueError"], NO_GRADIENT, [])
        loss.backward()
        call(optimizer.step)
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


@torch.no_grad()
def predict(model: nn.Module, task: Any, part: int, device: torch.device) -> np.ndarray:
    """Logits of the validation images of one set, float32, in their order.

    Computed in float32 on GPUs too: in half precision or TF32, the size of a batch alone changes what an image gets.
    """
    model.eval()
    batches = []
    for images in task.validation_batches(part):
        logits = scores_of(model, images.to(device, non_blocking=True))
        batches.append(logits.float().cpu().numpy())
    return np.concatenate(batches)


def autocast(device: torch.device) -> torch.autocast:
    """bf16 on GPUs that have it, fp16 on others; float32 on a CPU, where bf16 without AMX is ten times slower.

    fp16 without a gradient scaler is safe here: losses are means of logits of order one.
    """
    on_gpu = device.type == "cuda"
    half = torch.bfloat16 if not on_gpu or torch.cuda.is_bf16_supported() else torch.float16
    return torch.autocast(device.type, dtype=half, enabled=on_gpu)
