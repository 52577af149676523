"""The one training loop, the evaluation protocols and the driver that records runs."""
