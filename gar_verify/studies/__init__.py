"""The studies of the paper: each trains what it needs and returns labelled arrays."""
