"""What students get: its files, and the checks that it passes before anybody gets it."""
