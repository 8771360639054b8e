"""The commands of `python -m grading`, one file each."""
