"""AlexNet's own colour augmentation: multiples of the principal components of RGB are added, of normal size."""
import torch
from torchvision import transforms

EIGENVALUES = torch.tensor([0.2175, 0.0188, 0.0045])
EIGENVECTORS = torch.tensor([
    [-0.5675, 0.7192, 0.4009],
    [-0.5808, -0.0045, -0.8140],
    [-0.5836, -0.6948, 0.4203],
])
NORMALIZE = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


class Lighting:
    def __init__(self, alphastd=0.1):
        self.alphastd = alphastd

    def __call__(self, img):
        alpha = torch.randn(3) * self.alphastd
        return img + (EIGENVECTORS * alpha * EIGENVALUES).sum(dim=1)[:, None, None]


def face_train_transform(size=224):
    return transforms.Compose([
        transforms.Resize(size + size // 8),
        transforms.CenterCrop(size + size // 8),
        transforms.RandomCrop(size),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        Lighting(),
        NORMALIZE,
    ])


def face_eval_transform(size=224):
    return transforms.Compose([
        transforms.Resize(size + size // 8), transforms.CenterCrop(size), transforms.ToTensor(), NORMALIZE,
    ])
