"""Expression over time with prior networks: simulated, published, uploaded."""
