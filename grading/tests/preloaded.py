"""What the processes of `fresh_python` have imported already.

Plugins of pytest are left out, as pytest rewrites their assertions when it imports them; so is all that is tested.
"""

import gc
import json
import os
import subprocess
import sys

import _pytest.config  # noqa: F401
import torch
import torchmetrics.functional.classification  # noqa: F401
import torchvision.transforms.v2  # noqa: F401

torch.set_num_threads(1)  # a fork of a process with threads may hang
gc.freeze()  # a fork collects garbage among its own objects only

# Where a new process looks for modules: the one that runs the tests has other folders beside these.
_PROGRAM = "import json, sys; print(json.dumps(sys.path[1:]))"
SYS_PATH: list[str] = json.loads(
    subprocess.check_output([sys.executable, "-c", _PROGRAM], env={**os.environ, "PYTHONPATH": ""})
)
