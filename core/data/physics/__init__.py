"""Measured systems: simulated, uploaded, recorded; and files to take them away."""
