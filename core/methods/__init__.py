"""Methods, filed by the section of the parsimony paper; each couples the two spaces."""
