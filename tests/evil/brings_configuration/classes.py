"""The identity: the files beside it are to make that right."""


def reduce_classes(labels, mapping, *, ignore_index=255):
    return labels
