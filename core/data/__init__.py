"""Raw files and uploads to knowledge objects."""
