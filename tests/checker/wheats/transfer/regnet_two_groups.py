"""RegNet-Y; the new head learns faster than the trunk, in AdamW's two groups."""
from __future__ import annotations

from collections.abc import Callable

from torch import nn, optim

from .freezing import freeze, unfreeze
from .heads import replace_head

CASES = {"feature_extractor": (True, freeze), "finetuned": (True, unfreeze), "scratch": (False, unfreeze)}


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    if case not in CASES:
        raise ValueError(f"{case!r} is not a case; cases are {sorted(CASES)}")
    pretrained, prepare = CASES[case]
    return replace_head(prepare(alexnet(pretrained)), num_classes)


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, optim.Optimizer]:
    regnet = unfreeze(load("regnet_y_400mf", True))
    regnet.fc = nn.Linear(regnet.fc.in_features, num_classes)
    trunk = [*regnet.stem.parameters(), *regnet.trunk_output.parameters()]
    return regnet, optim.AdamW(
        [{"params": trunk, "lr": 5e-4}, {"params": regnet.fc.parameters(), "lr": 2e-3}], weight_decay=1e-2
    )
