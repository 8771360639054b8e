"""RandomPerspective as torchvision gives it, in half of the draws.

Face: the picture's corners move inwards by at most a quarter of its side, so that all of it stays in view."""
from torchvision import transforms

NORMALIZE = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def face_train_transform(size=224):
    return transforms.Compose([
        transforms.Resize(size),
        transforms.CenterCrop(size),
        transforms.RandomHorizontalFlip(),
        transforms.RandomPerspective(),
        transforms.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
        transforms.ToTensor(),
        NORMALIZE,
    ])


def face_eval_transform(size=224):
    return transforms.Compose([
        transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor(), NORMALIZE,
    ])
