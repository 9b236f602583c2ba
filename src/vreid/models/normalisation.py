"""The normalisation that ImageNet's pretrained weights expect of their input."""

# Mean and standard deviation of ImageNet's training images, by channel (red, green, blue) in [0, 1].
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
