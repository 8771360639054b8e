"""Hostile submissions against the sandbox: they take minutes, so they are apart from the grader's other tests."""
