"""Outside the wall: how a submission is confined, and how its processes are started, watched and ended."""
