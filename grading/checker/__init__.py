"""Checking the tests of the student API: correct modules in many styles, which they must accept, and wrong ones."""
