"""What an answer rests on, and whether that is true of the model."""
