"""RGBNT100: visible light, near and thermal infrared, three thirds of one JPEG."""

from vreid.synthetic.writers.rgbir import RgbIr

LAYOUT = RgbIr("RGBNT100", ("rgb", "nir", "tir"))
