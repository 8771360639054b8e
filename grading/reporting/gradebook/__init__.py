"""What an instructor reads of a whole class."""
