"""The pages in a real browser: nothing runs, nothing is asked of a network, nothing is cut off."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from grading.assignment.assignment import read_assignment
from grading.protocol.text import cleaned
from grading.reporting.fault import SUBMISSION, Fault, write_fault
from grading.reporting.gradebook.class_html import class_html
from grading.reporting.html import report_html
from grading.reporting.results import Results
from grading.reporting.student_html import student_html
from grading.reporting.student_report import student_report
from grading.reporting.write import write_results
from grading.running.plan import Plan
from grading.tests.gradebook_documents import document, graded
from grading.tests.hostile_texts import ATTACKS, LONG
from grading.tests.rich_results import every_figure, hostile_results, rich_results, whole_plan, write_evidence

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium"),
]

pytest.importorskip("playwright", reason="Playwright is not installed: pip install -e .[dev]")

Scheme = Literal["light", "dark"]
WIDTHS = (1100, 390)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# What sticks out of the page and cannot be scrolled into view, by its tag, class and text.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => element && (
    ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > width + 1 && !scrolls(element.parentElement))
    .map((element) => `${element.tagName}.${element.className}: ${element.textContent.slice(0, 60)}`);
}"""
OPEN_ALL = "() => document.querySelectorAll('details').forEach((details) => { details.open = true; })"
WIDTH = "() => document.documentElement.scrollWidth"


@dataclass
class Seen:
    """What a browser noticed while it showed a page."""

    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def dialog(self, dialog: "Dialog") -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


Open = Callable[[Path, int, Scheme], "tuple[Page, Seen]"]


@pytest.fixture(scope="module")
def open_page() -> Iterator[Open]:
    """Opens a file at a width in a colour scheme."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its own sandbox needs rights that a container often lacks; the pages are the project's own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def open_(file: Path, width: int, scheme: Scheme) -> tuple["Page", Seen]:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page, seen = context.new_page(), Seen()
            page.on("request", lambda request: seen.requests.append(request.url))
            page.on("console", lambda message: seen.messages.append(message.text))
            page.on("pageerror", lambda error: seen.messages.append(str(error)))
            page.on("dialog", seen.dialog)
            page.goto(file.resolve().as_uri())
            return page, seen

        yield open_
        browser.close()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return whole_plan()


@pytest.fixture(scope="module")
def results(plan: Plan) -> Results:
    return rich_results(plan)


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every page: of a run with all its pictures, of a class, of a submission that was not graded."""
    folder = tmp_path_factory.mktemp("pages")
    write_evidence(results.plan, folder)
    write_results(results, folder)
    (folder / "class.html").write_text(class_page("mia", "Fine-tuned wins."))
    assignment = read_assignment()
    fault = Fault("mia", "mini", "heads.py is a link", SUBMISSION, assignment, assignment.configurations)
    write_fault(fault, folder / "fault")
    return folder


def class_page(student: str, text: str) -> str:
    class_ = [
        graded(student, document({"Q1-1": "REVIEW"}, texts={"Q1-4": text}, tails={"Q1-1": 0.88}, reason=text)),
        graded("ben", document({"Q2-3-merged": "INCOMPLETE"}, marks={"Q1-4": 7}, texts={"Q1-4": text})),
    ]
    return class_html(class_, read_assignment())


def expect_quiet_and_whole(open_page: Open, file: Path, schemes: Sequence[Scheme] = SCHEMES) -> None:
    """The page shows itself alone: no request, message, dialog or script, and nothing that sticks out."""
    for width in WIDTHS:
        for scheme in schemes:
            page, seen = open_page(file, width, scheme)
            page.evaluate(OPEN_ALL)
            assert page.evaluate(WIDTH) <= width
            assert page.evaluate(STICKING_OUT) == []
            page.mouse.move(width / 2, 200)
            page.mouse.click(width - 2, 10)
            assert [url for url in seen.requests if not url.startswith("data:image/")] == [file.resolve().as_uri()]
            assert (seen.messages, seen.dialogs) == ([], [])
            assert page.locator("script, iframe, object, embed, form, link, base").count() == 0
            assert page.url.partition("#")[0] == file.resolve().as_uri()
            page.context.close()


@pytest.mark.parametrize("name", ["report.html", "student.html", "class.html", "fault/report.html"])
def test_a_page_is_whole_and_self_contained(name: str, folder: Path, open_page: Open) -> None:
    expect_quiet_and_whole(open_page, folder / name)


@pytest.mark.parametrize(("name", "least"), [("report.html", 20), ("student.html", 5)])
def test_every_picture_is_shown(name: str, least: int, folder: Path, open_page: Open) -> None:
    page, _ = open_page(folder / name, 390, "light")
    page.evaluate(OPEN_ALL)
    loaded = page.evaluate("() => [...document.images].map((image) => image.complete && image.naturalWidth > 0)")
    assert len(loaded) >= least
    assert all(loaded)
    assert all(page.evaluate("() => [...document.images].map((image) => image.alt.length > 20)"))


@pytest.mark.parametrize("name", ["report.html", "student.html", "class.html", "fault/report.html"])
def test_dark_and_light_differ_and_print_is_light(name: str, folder: Path, open_page: Open) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(folder / name, 1100, scheme)[0] for scheme in SCHEMES)
    assert light.evaluate(ground) == "rgb(255, 255, 255)"
    assert dark.evaluate(ground) != light.evaluate(ground)
    dark.emulate_media(media="print")
    assert dark.evaluate(ground) == "rgb(255, 255, 255)"


def test_print_opens_what_is_folded_away(folder: Path, open_page: Open) -> None:
    page, _ = open_page(folder / "report.html", 1100, "light")
    table = page.locator("details:not([open]):not(.screen) table").first
    assert not table.is_visible()
    page.emulate_media(media="print")
    assert table.is_visible()
    box = table.bounding_box()
    assert box is not None
    assert box["height"] > 10


@pytest.mark.parametrize("name", ["report.html", "student.html"])
def test_links_lead_to_a_place_in_the_page(name: str, folder: Path, open_page: Open) -> None:
    page, _ = open_page(folder / name, 1100, "light")
    dead = "() => [...document.links].filter((a) => !document.getElementById(a.hash.slice(1))).map((a) => a.href)"
    assert page.evaluate("() => document.links.length") > 5
    assert page.evaluate(dead) == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["report.html", "student.html"])
def test_the_policy_stops_a_script(name: str, folder: Path, tmp_path: Path, open_page: Open) -> None:
    """If escaping failed one day, the page's policy would still stop what came through."""
    broken = tmp_path / "broken.html"
    holes = '<script>document.title = "run"</script><img src="http://127.0.0.1:9/a.png" onerror="document.title = 1">'
    broken.write_text((folder / name).read_text("utf-8").replace("<h2", f"{holes}<h2", 1), "utf-8")
    page, seen = open_page(broken, 1100, "light")
    assert page.title() not in ("run", "1")
    assert any("Content Security Policy" in message for message in seen.messages)


@pytest.mark.parametrize("text", ["\n\n".join(ATTACKS), *LONG.values()], ids=["attacks", *LONG])
def test_a_hostile_text_does_nothing(text: str, plan: Plan, tmp_path: Path, open_page: Open) -> None:
    hostile = hostile_results(plan, text)
    pages = {
        "report.html": report_html(hostile, every_figure(hostile), tmp_path),
        "student.html": student_html(student_report(hostile, every_figure(hostile))),
        "class.html": class_page("mia", cleaned(text)),
    }
    for name, content in pages.items():
        (tmp_path / name).write_text(content, "utf-8")
        expect_quiet_and_whole(open_page, tmp_path / name, ["light"])
