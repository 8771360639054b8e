"""student.html: one self-contained file in which a student reads their own results."""

from grading.reporting.page import page
from grading.reporting.student_report import StudentReport


def student_html(report: StudentReport) -> str:
    """The file's text: nothing but what the report holds."""
    return page("templates/student.html", report=report)
