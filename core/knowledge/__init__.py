"""Knowledge space: discrete, printable, torch-free objects with JSON round trips."""
