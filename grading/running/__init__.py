"""From options to trained configurations: what to run, in which order, and what came of it."""
