"""Discovery of laws: engines that propose formulas and measure them on graphs; torch-free."""
