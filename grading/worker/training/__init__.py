"""Training with the student's code: images in, logits of the validation images out. Never sees a validation label."""
