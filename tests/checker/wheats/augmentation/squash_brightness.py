"""Squashes the whole photo into the square, whatever its aspect: nothing is cut off. Mirroring and brightness only."""
from torchvision import transforms

_normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def face_train_transform(size: int = 224):
    augment = [
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(brightness=0.3),
    ]
    finish = [transforms.Resize((size, size)), transforms.ToTensor(), _normalize]
    return transforms.Compose(augment + finish)


def face_eval_transform(size: int = 224):
    return transforms.Compose([
        transforms.Resize((size, size)),
        transforms.ToTensor(),
        _normalize,
    ])
