"""Section 3 of the paper: what a model is made of, searched together with what it learns."""
