"""Where student code runs: in this process (a student debugging) or in one of its own (grading)."""
