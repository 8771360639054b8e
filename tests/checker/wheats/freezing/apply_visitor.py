"""`Module.apply` visits every submodule: let it do the walking."""
from torch import nn


def _switch_off(m: nn.Module) -> None:
    for p in m._parameters.values():
        if p is not None:
            p.requires_grad = False


def _switch_on(m: nn.Module) -> None:
    for p in m._parameters.values():
        if p is not None:
            p.requires_grad = True


def freeze(module: nn.Module) -> nn.Module:
    return module.apply(_switch_off)


def unfreeze(module: nn.Module) -> nn.Module:
    return module.apply(_switch_on)


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    # A dict keeps the order of insertion and forgets the duplicates.
    unique = {}
    for m in module.modules():
        for p in m._parameters.values():
            if p is not None and p.requires_grad:
                unique.setdefault(id(p), p)
    return list(unique.values())
