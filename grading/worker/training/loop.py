"""The training loop, the same for classification and segmentation."""

import time
from collections.abc import Iterator

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
from grading.worker.training.predictions import predict
from grading.worker.training.segmentation import Segmentation
from grading.worker.training.task import TrainingTask
from grading.worker.training.views import seed_generators

TASKS: dict[str, type[Classification] | type[Segmentation]] = {
    "classification": Classification,
    "segmentation": Segmentation,
}
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
        `{"built": ..., "layers": ...}` as in `Observed`; after every epoch `{"loss": mean training loss, "seconds":
        wall time}` and what `predict` says of the epoch's validation images; at the end `{"trained": ..., "peak_bytes":
        most memory of a GPU, 0 without one}`, the first as in `Observed.trained`.

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
        task = TASKS[job["task"]](job, student, device)
        try:
            yield from _trained(job, student, task, device)
        finally:
            task.close()


def _trained(job: Plain, student: LocalStudent, task: TrainingTask, device: torch.device) -> Iterator[Plain]:
    """The events of a training whose data are ready."""
    model, optimizer = build_network(job, student)
    observed = Observed(model, job["weights"])
    yield {"built": observed.built(), "layers": observed.layers()}
    student.state.restore_settings()
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False  # so that `predict` is in float32 indeed
    model.to(device)
    in_best_format(model, example(job).to(device), channels_last=job["channels_last"])
    scheduler = build_scheduler(optimizer, job["protocol"])
    parts = [part for part, epochs in enumerate(job["validation_epochs"]) for _ in range(epochs)]
    answer = (job["num_classes"], *task.sides)
    for part in parts:
        start = time.perf_counter()
        loss = train_one_epoch(model, task, optimizer, device, student.state)
        scheduler.step()
        answers = predict(model, task.validation_batches(part), answer, job["copies"][part])
        yield {"loss": loss, "seconds": time.perf_counter() - start, **answers}
    peak = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else 0
    yield {"trained": observed.trained(), "peak_bytes": peak}


def modules_of(job: Plain) -> list[str]:
    """The student's modules that a training uses."""
    network = "fcn" if job["network"]["build"] == "fcn8s" else "transfer"
    return [network, *TASKS[job["task"]].modules_of(job)]


def seed_everything(seed: int) -> None:
    """Seed all that the harness or a student may draw from, on a GPU too."""
    seed_generators(seed)
    torch.manual_seed(seed)


def train_one_epoch(
    model: nn.Module,
    task: TrainingTask,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    state: ProcessState,
) -> float:
    """One pass over the training images. On a GPU nothing in it waits for the device.

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
            loss = task.loss(scores_of(model, images).float(), targets)
        optimizer.zero_grad(set_to_none=True)
        if not loss.requires_grad:
            raise StudentRaised(["ValueError"], NO_GRADIENT, [])
        loss.backward()
        call(optimizer.step)
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def autocast(device: torch.device) -> torch.autocast:
    """bf16 on GPUs that have it, fp16 on others; float32 on a CPU, where bf16 without AMX is ten times slower.

    fp16 without a gradient scaler is safe here: losses are means of logits of order one.
    """
    on_gpu = device.type == "cuda"
    half = torch.bfloat16 if not on_gpu or torch.cuda.is_bf16_supported() else torch.float16
    return torch.autocast(device.type, dtype=half, enabled=on_gpu)
