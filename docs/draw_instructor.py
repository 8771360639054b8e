"""Draw the pictures of reports in docs/instructor.md and README.md: `python docs/draw_instructor.py` (3 minutes).

It grades a made-up submission for real, in the mini profile, and cuts the pictures out of its report.html in Chromium:
`python -m pip install playwright`, and `playwright install chromium` if the system has none. With a folder as argument,
`python docs/draw_instructor.py FOLDER`, it keeps the results there, and the next time trains nothing.
"""

import io
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
WIDTH, SCREEN, TALLEST, MARGIN = 1040, 780, 1000, 14  # in pixels
COLOURS = 64

# Each is a plausible mistake: module, text, what stands there in its place.
BUGS = (
    (
        "classes",
        "    reduced = torch.full_like(labels, ignore_index)\n    for old, new in mapping.items():\n"
        "        reduced[labels == old] = new",
        "    reduced = labels.clone()\n    for old, new in mapping.items():\n        reduced[reduced == old] = new",
    ),
    ("transfer", 'load("mobilenet_v2", True)', 'load("convnext_tiny", True)'),
)
"""One decides Q2-3 before a training; for the other, `mini` would have to pretrain for half an hour."""

# One training never decides, so the second grading ends with REVIEW.
GRADINGS = {"whole": ["--only", "Q1-1,Q1-8,Q2-3"], "one seed": ["--only", "Q1-3", "--seeds", "1"]}
CUT_OUTS = {
    "pass": ("whole", "PASS", ("question-Q1-1", "Q1-1")),
    "fail": ("whole", "FAIL", ("question-Q2-3", "Q2-3-merged")),
    "incomplete": ("whole", "INCOMPLETE", ("question-Q1-8", "Q1-8")),
    "review": ("one seed", "REVIEW", ("question-Q1-3", "Q1-3")),
}
"""Of each picture: the grading, the verdict in it, and the element of the page: the first id that is there."""


def write_submission(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for module, right, wrong in BUGS:
        path = folder / f"{module}.py"
        source = path.read_text("utf-8")
        assert right in source, f"{module}.py has changed"
        path.write_text(source.replace(right, wrong), encoding="utf-8")


def grade(submission: Path, out: Path, options: list[str]) -> Path:
    """The report.html of a grading."""
    command = [sys.executable, "grading/run_all.py", str(submission), "--profile", "mini", "--out", str(out), *options]
    command += ["--resume"] if (out / "journal.jsonl").exists() else []
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    assert status in (1, 3), f"run_all.py ended with {status}"
    return out / "report.html"


def save(png: bytes, path: Path) -> None:
    """Few colours suffice for text and curves, and make small files."""
    path.parent.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def cut_out(page: Page, verdict: str, ids: tuple[str, ...]) -> bytes:
    """A part of a page, from its top, that shows this verdict."""
    found = [element for id in ids if (element := page.query_selector(f'[id="{id}"]')) is not None]
    assert found, f"report.html has no element {' or '.join(ids)}"
    assert verdict in found[0].inner_text(), f"{ids[0]} is not {verdict}"
    box = found[0].bounding_box()
    assert box is not None
    left = max(box["x"] - MARGIN, 0)
    width, height = min(box["width"] + 2 * MARGIN, WIDTH - left), min(box["height"] + MARGIN, TALLEST)
    clip = {"x": left, "y": max(box["y"] - MARGIN, 0), "width": width, "height": height}
    return page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]


def draw(reports: Mapping[str, Path]) -> None:
    with sync_playwright() as playwright:
        system = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=system, args=["--no-sandbox"])
        pages = {}
        for name, report in reports.items():
            pages[name] = browser.new_page(viewport={"width": WIDTH, "height": SCREEN}, color_scheme="light")
            # The folder that the report names is another one on each machine.
            pages[name].set_content(report.read_text("utf-8").replace(f"{report.parents[1]}", "runs"))
        save(pages["whole"].screenshot(), DOCS / "readme" / "report.png")
        for picture, (name, verdict, ids) in CUT_OUTS.items():
            save(cut_out(pages[name], verdict, ids), DOCS / "instructor" / f"{picture}.png")
        browser.close()


def main() -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        submission = folder / "ada"
        write_submission(submission)
        draw({name: grade(submission, folder / name, options) for name, options in GRADINGS.items()})


if __name__ == "__main__":
    main()
