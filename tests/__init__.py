"""Tests of the student API: what you fill in until `pytest` passes."""
