"""A run over a whole class: from what was handed in to a gradebook."""
