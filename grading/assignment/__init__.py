"""What the homework says, and what was measured of it: configurations, calibrations, records of trainings and tests."""
