"""Inside the wall: the process that runs a submission's code. Only this part of the grader is copied there."""
