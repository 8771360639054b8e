"""The figures of docs/assignment.md, one file for each idea; `docs/draw_assignment.py` writes them all."""
