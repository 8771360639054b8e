"""Inside the wall: the process that runs a submission's code. It is copied there, and sees nothing else of the grader."""
