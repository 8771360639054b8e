"""Returns, raises and leaves objects that do harm when they are unpickled."""

import os
import pickle

import torch


class Bomb(Exception):
    def __reduce__(self):
        return os.system, ("touch /tmp/hw4-evil-unpickled",)


for folder in ("/tmp", "."):
    try:
        torch.save({"weight": Bomb()}, f"{folder}/hw4-evil.pth")
        with open(f"{folder}/hw4-evil.pkl", "wb") as file:
            pickle.dump(Bomb(), file)
    except OSError:
        continue


def reduce_classes(labels, mapping, *, ignore_index=255):
    raise Bomb(Bomb())
