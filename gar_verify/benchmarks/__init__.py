"""Benchmarks of the loss: its accuracy against 50 digits, its time against torch's L1Loss."""
