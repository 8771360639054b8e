"""The grader: trains every configuration of the homework with a submission's code and judges the results."""
