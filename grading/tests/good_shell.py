"""What a shell script must fulfil."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def expect_good_shell(script: Path) -> None:
    """Any POSIX shell can read it, and shellcheck finds nothing, if it is installed."""
    subprocess.run(["sh", "-n", str(script)], check=True)
    checker = shutil.which("shellcheck", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if checker:
        done = subprocess.run([checker, "--shell=sh", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
