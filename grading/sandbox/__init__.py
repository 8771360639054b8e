"""Outside the wall: processes that hold a submission, and how they are watched and ended."""
