"""What Gradescope and GitHub Classroom run: their packages, and the steps inside them."""
