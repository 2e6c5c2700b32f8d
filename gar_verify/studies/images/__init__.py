"""The studies of images: the paper's protocol for AgeDB, and the angle of a rotated digit."""
