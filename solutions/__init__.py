"""The reference implementation: the same modules as `hw4`, filled in with the report's own approach."""
