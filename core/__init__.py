"""Parsimony: knowledge (symbols, logic, formulas) and learned functions, searched together.

Map from the paper "Beyond Scaleup: Knowledge-aware Parsimony Learning from Deep Networks"
(arXiv 2407.00478) to the code:

| section of the paper | module |
|---|---|
| 3.1 AutoBLM, searched scoring functions | `core.methods.parsimony_on_model.autoblm` |
| 4 PAR, PACIA, few-shot molecules | `core.methods.parsimony_on_training` |
| 5.1 RED-GNN, relational digraphs | `core.methods.parsimony_on_interpretation.redgnn` |
| 5.2 GSR, laws of systems on graphs | `core.methods.parsimony_on_interpretation.gsr` |
| 6 EmerGNN, emerging drugs | `core.methods.drug_development.emergnn` |
| knowledge space | `core.knowledge`: discrete, readable, torch-free |
| function space | `core.function`: parameters and gradients |
| engines that propose formulas, torch-free | `core.discovery` |
| evidence of an answer and its live check | `core.evidence` |
"""
