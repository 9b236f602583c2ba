"""The datasets: adapters of their on-disk layouts, verification, splits and packed images."""
