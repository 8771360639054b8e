"""What differs between the two tasks of the homework: their data, labels and secret rules."""
