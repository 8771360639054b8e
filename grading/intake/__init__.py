"""What a class has handed in: a platform's export, made into one submission for each student."""
