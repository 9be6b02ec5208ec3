"""Noise: what one version does not share with itself is no difference between two versions. Pure."""
