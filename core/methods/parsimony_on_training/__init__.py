"""Section 4 of the paper: what tasks share, so that few labels adapt few numbers."""
