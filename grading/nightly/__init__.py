"""Checks of the tests of the student API that take too long for every run: minutes for each module."""
