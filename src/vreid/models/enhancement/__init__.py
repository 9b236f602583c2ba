"""Networks that brighten dark images: (B, 3, H, W) RGB in [0, 1] in and out."""
