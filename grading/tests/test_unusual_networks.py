"""Every network that the tests of the student API accept can be trained, or one line says why it cannot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import models

from grading.backbones.loading import load_classifier
from grading.commands.grade import parse
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import locate
from grading.protocol.wire import Plain
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.running.training import blinded
from grading.worker.student import LocalStudent
from grading.worker.training.batches import batches_of
from grading.worker.training.loop import train
from grading.worker.training.memory_format import runs_in

pytestmark = pytest.mark.slow

PlanOf = Callable[..., Plan]

LAZY_HEAD = """
from torch import nn
from .freezing import *
def build_case(case, alexnet, num_classes=2):
    model = alexnet(case != "scratch")
    freeze(model) if case == "feature_extractor" else unfreeze(model)
    model.classifier[-1] = nn.LazyLinear(num_classes)
    return model
"""
BATCH_NORM_HEAD = """
from torch import nn, optim
from .freezing import *
def build_challenger(load, num_classes=2):
    model = unfreeze(load("vgg11", True))
    model.classifier[-1] = nn.Sequential(nn.BatchNorm1d(256), nn.Linear(256, num_classes))
    return model, optim.Adam(model.parameters(), lr=1e-4)
"""
LAZY_CHALLENGER = """
from torch import nn, optim
from .freezing import *
def build_challenger(load, num_classes=2):
    model = unfreeze(load("vgg11", True))
    model.classifier[-1] = nn.LazyLinear(num_classes)
    return model, optim.Adam(model.parameters(), lr=1e-4)
"""
OLD_STYLE = """
from torch import nn, optim
class Old(nn.Module):
    def __init__(self, features, head):
        super().__init__()
        self.features, self.head = features, head
    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 2)
        return self.head(x.view(x.size(0), -1))
def build_challenger(load, num_classes=2):
    model = Old(load("vgg11", True).requires_grad_(True).features, nn.Linear(512, num_classes))
    return model, optim.Adam(model.parameters(), lr=1e-4)
"""
COMPILED = """
import torch
from torch import nn, optim
def build_challenger(load, num_classes=2):
    model = load("vgg11", True).requires_grad_(True)
    model.classifier[-1] = nn.Linear(256, num_classes)
    model = torch.compile(model)
    return model, optim.Adam(model.parameters(), lr=1e-4)
"""
GIVES_A_TUPLE = OLD_STYLE.replace("return self.head(x.view(x.size(0), -1))", "return self.head(x.flatten(1)), x")
NEEDS_A_CLOSURE = COMPILED.replace("optim.Adam(model.parameters(), lr=1e-4)", "optim.LBFGS(model.parameters())")
FCN = """
import torch
from torch import nn
class FCN8s(nn.Module):
    def __init__(self, encoder, num_classes, *, skips=True):
        super().__init__()
        self.encoder = encoder
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), {conv}(encoder.channels[4], 8, 1), nn.BatchNorm2d(8))
        self.score = {conv}(encoder.channels[4] + 8, num_classes, 1)
    def forward(self, images):
        x5 = self.encoder(images)["x5"]
        context = self.context(x5).expand(-1, -1, *x5.shape[2:])
        scores = self.score(torch.cat([x5, context], 1))
        return nn.functional.interpolate(scores, images.shape[2:], mode="bilinear")
"""
CONTEXT = FCN.format(conv="nn.Conv2d")
FLAT_CONTEXT = CONTEXT.replace(
    "context = self.context(x5)", "context = self.context(x5 * x5.view(len(x5), -1).softmax(1).view(x5.shape))"
)
LAZY_CONTEXT = (
    FCN.format(conv="nn.LazyConv2d")
    .replace("LazyConv2d(encoder.channels[4], ", "LazyConv2d(")
    .replace("LazyConv2d(encoder.channels[4] + 8, ", "LazyConv2d(")
)


@pytest.fixture
def plan_of(quick_weights: None, tmp_path: Path) -> PlanOf:
    """A plan of one epoch for the reference with one module replaced: 17 images leave one after a batch of 16."""

    def make(only: str, module: str, source: str, limit: int = 17) -> Plan:
        folder = tmp_path / "handed in"
        folder.mkdir()
        for path in Path("solutions").glob("*.py"):
            (folder / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        arguments = [str(folder), "--unsafe", "--profile", "mini", "--only", only, "--epochs", "1"]
        return with_weights(make_plan(parse([*arguments, "--limit", str(limit)])), None, print)

    return make


def trained_epoch(plan: Plan, **changes: object) -> Plain:
    _, job = blinded(plan, plan.configurations[0], seed=1)
    *_, epoch, _ = train({**job, **changes}, LocalStudent(locate(str(plan.submission.folder))))
    return epoch


@pytest.mark.parametrize(
    ("only", "module", "source", "limit"),
    [
        ("Q1-1", "transfer", LAZY_HEAD, 17),
        ("Q1-3", "transfer", LAZY_HEAD, 17),
        ("Q1-8", "transfer", LAZY_CHALLENGER, 17),
        ("Q1-8", "transfer", BATCH_NORM_HEAD, 17),
        ("Q1-8", "transfer", OLD_STYLE, 17),
        ("Q1-8", "transfer", COMPILED, 17),
        ("Q2-1-no-skips", "fcn", CONTEXT, 7),
        ("Q2-1-no-skips", "fcn", LAZY_CONTEXT, 13),
        ("Q2-1-no-skips", "fcn", FLAT_CONTEXT, 7),
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_right_networks_train(
    plan_of: PlanOf, only: str, module: str, source: str, limit: int, channels_last: bool
) -> None:
    epoch = trained_epoch(plan_of(only, module, source, limit), channels_last=channels_last)
    assert np.isfinite(epoch["loss"])
    assert epoch["dependence"] < 1e-3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GIVES_A_TUPLE, "in train mode the network gave a tuple in place of one tensor"),
        (NEEDS_A_CLOSURE, "without a closure, which LBFGS needs"),
    ],
)
def test_a_network_that_cannot_be_trained_is_reported_in_one_line(plan_of: PlanOf, source: str, message: str) -> None:
    with pytest.raises(StudentRaised, match=message) as caught:
        trained_epoch(plan_of("Q1-8", "transfer", source))
    assert len(caught.value.message.splitlines()) == 1


@pytest.mark.parametrize("size", [2, 3, 4, 6, 16])
def test_every_batch_has_at_least_two_images(size: int) -> None:
    for count in range(2, 40):
        order = torch.randperm(count)
        batches = batches_of(order, size)
        assert torch.equal(torch.cat(batches), order)
        assert all(2 <= len(batch) <= size + 1 for batch in batches)
        assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)


@pytest.mark.parametrize(("count", "size"), [(1, 4), (0, 4), (8, 1)])
def test_fewer_than_two_images_are_no_batch(count: int, size: int) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        batches_of(torch.arange(count), size)


class ConvolutionThenFlatten(torch.nn.Module):
    def __init__(self, flatten: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Dropout(0.5))
        self.flatten = flatten

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.flatten(self.body(images))


@pytest.mark.parametrize("pretrained", [False, True])
def test_googlenet_is_loaded_without_auxiliary_heads(pretrained: bool) -> None:
    state = models.googlenet(weights=None, aux_logits=True, init_weights=False).state_dict()
    weights = {name: tensor.numpy() for name, tensor in state.items()}
    model = load_classifier("report", "googlenet", weights if pretrained else None, pretrained=pretrained)
    assert not [name for name, _ in model.named_parameters() if name.startswith("aux")]
    assert isinstance(model.train()(torch.zeros(2, 3, 64, 64)), torch.Tensor)


def test_one_image_is_too_few() -> None:
    with pytest.raises(UsageError, match="--limit 1: a training needs at least two images"):
        make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1", "--limit", "1"]))


def test_trying_a_memory_format_leaves_no_trace() -> None:
    for flatten, accepted in ((lambda x: x.flatten(1), True), (lambda x: x.view(x.size(0), -1), False)):
        model, images = ConvolutionThenFlatten(flatten), torch.rand(2, 3, 8, 8)
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        state = torch.get_rng_state()
        assert runs_in(torch.channels_last, model, images) == accepted
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
        assert torch.equal(state, torch.get_rng_state())
        assert model.training
        assert all(parameter.grad is None for parameter in model.parameters())
