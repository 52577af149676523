"""Data sets of ratings, their splits by user, uploads, and simulated ratings."""
