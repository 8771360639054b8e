"""From predictions and labels to metrics, on this side of the wall."""
