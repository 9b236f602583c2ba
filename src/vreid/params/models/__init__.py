"""What a run's configuration says about its network: one file per paper."""
