"""The augmentations, each on a whole batch of pixels or values."""
