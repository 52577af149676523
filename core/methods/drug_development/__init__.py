"""Section 6 of the paper: knowledge of drugs and proteins carries to drugs without a history."""
