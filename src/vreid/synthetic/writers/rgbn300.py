"""RGBN300: visible and near-infrared light, left and right half of one JPEG."""

from vreid.synthetic.writers.rgbir import RgbIr

LAYOUT = RgbIr("RGBN300", ("rgb", "nir"))
