"""Questions put to a student's code: plain data in, plain data out.

These modules are the only code that touches a student's objects. A probe builds what the question needs from a plain
specification, calls the student, and returns what it saw. It never judges.
"""
