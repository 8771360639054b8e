"""Match every pixel with every key at once, then pick the value by a product."""
import torch


def reduce_classes(labels, mapping, *, ignore_index=255):
    keys = torch.tensor(list(mapping.keys()), dtype=torch.int64, device=labels.device)
    values = torch.tensor(list(mapping.values()) + [ignore_index], dtype=torch.int64, device=labels.device)
    match = labels.long().unsqueeze(-1) == keys
    unknown = ~match.any(dim=-1, keepdim=True)
    choice = torch.cat([match, unknown], dim=-1)
    return (choice * values).sum(dim=-1).to(labels.dtype)
