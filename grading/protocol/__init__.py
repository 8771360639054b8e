"""What crosses the wall between the grader and a submission's process: frames, limits, files, questions."""
