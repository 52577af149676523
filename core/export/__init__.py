"""From a trained network to a served artifact, checked by the code that will serve it."""
