#!/bin/sh
# Gradescope runs this once, as root, when it builds the autograder's image. It installs what a grading needs, prepares
# all that takes long, and grades the reference on trial, so that a broken image fails here and not before the class.
#
# For trials on another machine: HW4_AUTOGRADER is the folder that is /autograder on Gradescope. If HW4_PYTHON names an
# interpreter with the grader's packages, nothing is installed. HW4_CACHE is the folder of pictures and networks.
set -eu

root=${HW4_AUTOGRADER:-/autograder}
source=$root/source
python=${HW4_PYTHON:-$root/environment/bin/python}
export HW4_CACHE="${HW4_CACHE:-$root/cache}"

stage=start
begin() {
    stage=$1
    echo "== setup.sh: $stage"
}
report() {
    status=$?
    if [ "$status" -ne 0 ]; then
        echo "== setup.sh FAILED at: $stage (exit status $status). The lines above say why. Do not use this image." >&2
    fi
}
trap report EXIT

if [ -z "${HW4_PYTHON:-}" ]; then
    begin "system packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends ca-certificates python3-venv util-linux

    # The image's own Python may be 3.10. uv brings the same one to every Ubuntu, outside of root's home, which is closed.
    begin "Python 3.13, by uv"
    export UV_PYTHON_INSTALL_DIR="$root/python" UV_CACHE_DIR="$root/uv-cache"
    python3 -m venv "$root/uv"
    "$root/uv/bin/pip" install -q "uv>=0.9,<1"
    "$root/uv/bin/uv" venv -q --managed-python --python 3.13 "$root/environment"

    begin "the grader's packages, with torch for CPUs"
    "$root/uv/bin/uv" pip install --python "$python" --torch-backend cpu --constraints "$source/constraints.txt" \
        --editable "${source}[test]"
    rm -rf "$UV_CACHE_DIR"
    chmod -R go+rX "$root/python" "$root/environment"
fi

# Where user namespaces are blocked, a submission runs as another user: it must reach Python, and nothing of the grader's.
begin "permissions"
mkdir -p "$HW4_CACHE" "$root/results" "$root/submission"
chmod go+x "$root"
chmod 700 "$source" "$HW4_CACHE" "$root/results" "$root/submission"

begin "preparation and self-check"
cd "$source"
# Python counts the cores of the whole machine, and networks are pretrained on all that it counts.
PYTHON_CPU_COUNT=$("$python" -m grading.platforms.machine)
export PYTHON_CPU_COUNT
"$python" -m grading.platforms.image
begin "the end"
