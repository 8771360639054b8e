"""Hostile submissions against the sandbox: minutes, so apart from the other tests of the grader."""
