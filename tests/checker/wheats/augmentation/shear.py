"""Sheared by up to 15 degrees along both axes, turned by up to 10.

Face: 0.3 * (1 + tan 15) = 0.38 of the side along each axis; turned by 10 degrees 0.38 * (cos 10 + sin 10) = 0.44 < 0.5."""
from torchvision import transforms as T


def face_train_transform(size: int = 224):
    return T.Compose([
        T.Resize(size),
        T.CenterCrop(size),
        T.RandomAffine(degrees=10, shear=(-15, 15, -15, 15), interpolation=T.InterpolationMode.BILINEAR),
        T.RandomHorizontalFlip(),
        T.ToTensor(),
        T.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    ])


def face_eval_transform(size: int = 224):
    return T.Compose([
        T.Resize(size),
        T.CenterCrop(size),
        T.ToTensor(),
        T.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    ])
