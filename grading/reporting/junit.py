"""junit.xml: one test case per configuration, for CI systems."""

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from grading.protocol.text import printable
from grading.reporting.rounding import student_reason

if TYPE_CHECKING:
    from grading.reporting.results import Results


def junit_xml(results: "Results") -> str:
    """The file's text. FAIL is a failure; REVIEW and INCOMPLETE are skipped, as nobody has decided yet."""
    verdicts = [outcome.verdict for outcome in results.outcomes.values()]
    suite = ElementTree.Element(
        "testsuite",
        name=printable(f"{results.plan.submission.name} {results.plan.profile_name}"),
        tests=str(len(verdicts)),
        failures=str(verdicts.count("FAIL")),
        skipped=str(verdicts.count("REVIEW") + verdicts.count("INCOMPLETE")),
        time=f"{results.seconds:.3f}",
    )
    for id, outcome in results.outcomes.items():
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=outcome.configuration.question,
            name=f"{id}: {outcome.configuration.title}",
            time=f"{sum(run.seconds for run in outcome.runs):.3f}",
        )
        if outcome.verdict == "FAIL":
            ElementTree.SubElement(case, "failure", message=printable(student_reason(outcome)))
        elif outcome.verdict != "PASS":
            ElementTree.SubElement(case, "skipped", message=printable(f"{outcome.verdict}: {student_reason(outcome)}"))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
