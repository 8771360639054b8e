"""How a submission is confined, and how its processes start, are watched and end."""
