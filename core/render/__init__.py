"""Knowledge and evidence to plain drawings: specs, SVG, LaTeX and exchange formats."""
