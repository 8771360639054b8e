"""Inside the wall: the process that runs a submission's code. All that it sees of the grader is copied there."""
