"""The project's own tests: of the grader, not of a submission."""
