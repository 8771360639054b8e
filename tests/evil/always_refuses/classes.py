"""Refuses everything, which is right now and then."""


def reduce_classes(labels, mapping, *, ignore_index=255):
    raise ValueError("no")
