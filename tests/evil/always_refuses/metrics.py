"""Refuses everything, which is right now and then."""


def confusion_matrix(pred, target, num_classes, *, ignore_index=None):
    raise ValueError("no")


pixel_accuracy = class_iou = mean_iou = confusion_matrix
