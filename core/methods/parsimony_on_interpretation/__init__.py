"""Section 5 of the paper: knowledge that makes the learned function readable."""
