"""Function space: torch modules; no files, no data sets, no search."""
