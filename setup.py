"""Refuses wheels: students edit `hw4/` and a grading reads `tests/`, so the project is installed from its checkout."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class NoWheel(bdist_wheel):
    """The command behind `pip install .`; editable installs do not run it."""

    def run(self) -> None:
        raise SystemExit("hw4-grader works from its checkout: python -m pip install -e .")


setup(cmdclass={"bdist_wheel": NoWheel})
