"""Physics as knowledge: measured systems, expressions, laws, units."""
