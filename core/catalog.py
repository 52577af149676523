"""What exists, by name: entry points are strings, so that this file imports nothing.

A job kind maps to ``module:function``; the function takes ``(params: dict, context: JobContext)``
and returns a JSON-serialisable dict. It is imported only in the process that runs the job.
"""

from dataclasses import dataclass

JOB_KINDS: dict[str, str] = {
    "train": "core.training.run:run_job",
    "scan-interactions": "core.serving.ddi_scan:scan_job",
    "predict-molecules": "core.serving.mol_job:predict_job",
    "discover-law": "core.training.laws:discover_job",
}


@dataclass(frozen=True)
class Method:
    """A method of the product.

    Attributes:
        name: catalogue id, first part of artifact names.
        title: published name.
        task: stem of the page, of the serving module and of the tests.
        section: section of the parsimony paper.
        entry: ``module:function`` that fits it.
        config: ``module:function`` from data set and overrides to a configuration.
        data: ``module:function`` from a data set's name to `core.training.data.TrainingData`.
        citation: reference in words.
    """

    name: str
    title: str
    task: str
    section: str
    entry: str
    config: str
    data: str
    citation: str


METHODS: dict[str, Method] = {
    "redgnn": Method(
        "redgnn", "RED-GNN", "kg_reasoning", "5.1",
        "core.methods.parsimony_on_interpretation.redgnn:fit",
        "core.configs:red_gnn_config",
        "core.training.links:load_link_data",
        "Yongqi Zhang and Quanming Yao. Knowledge Graph Reasoning with Relational Digraph. "
        "The Web Conference 2022.",
    ),
    "autoblm": Method(
        "autoblm", "AutoBLM", "kg_reasoning", "3.1",
        "core.methods.parsimony_on_model.autoblm:fit",
        "core.configs:autoblm_config",
        "core.training.links:load_fixed_link_data",
        "Yongqi Zhang, Quanming Yao and James T. Kwok. Bilinear Scoring Function Search for "
        "Knowledge Graph Learning. IEEE TPAMI 2023.",
    ),
    "coldnas": Method(
        "coldnas", "ColdNAS", "recommendation", "3.2",
        "core.methods.parsimony_on_model.coldnas:fit",
        "core.configs:coldnas_config",
        "core.training.rating_data:load_rating_data",
        "Shiguang Wu, Yaqing Wang, Qinghe Jing, Daxiang Dong, Dejing Dou and Quanming Yao. "
        "ColdNAS: Search to Modulate for User Cold-Start Recommendation. The Web Conference 2023.",
    ),
    "emergnn": Method(
        "emergnn", "EmerGNN", "drug_interaction", "6",
        "core.methods.drug_development.emergnn:fit",
        "core.configs:emergnn_config",
        "core.training.interaction_data:load_interaction_data",
        "Yongqi Zhang, Quanming Yao et al. Emerging drug interaction prediction enabled by a "
        "flow-based graph neural network with biomedical network. Nature Computational Science "
        "2023, 3:1023.",
    ),
    "par": Method(
        "par", "PAR", "molecular_property", "4",
        "core.methods.parsimony_on_training.par:fit",
        "core.configs:par_config",
        "core.training.molecule_data:load_molecule_data",
        "Yaqing Wang, Abulikemu Abuduweili, Quanming Yao and Dejing Dou. Property-Aware Relation "
        "Networks for Few-Shot Molecular Property Prediction. NeurIPS 2021.",
    ),
    "gsr": Method(
        "gsr", "GSR", "symbolic_regression", "5.2",
        "core.methods.parsimony_on_interpretation.gsr:fit",
        "core.configs:gsr_config",
        "core.training.laws:load_law_data",
        "Hongzhi Shi, Jingtao Ding, Yufan Cao, Quanming Yao, Li Liu and Yong Li. Learning Symbolic "
        "Models for Graph-structured Physical Mechanism. ICLR 2023.",
    ),
    "dash": Method(
        "dash", "DASH", "gene_regulation", "3",
        "core.methods.parsimony_on_model.dash:fit",
        "core.configs:dash_config",
        "core.training.regulation:load_regulation_data",
        "Intekhab Hossain, Jonas Fischer, Rebekka Burkholz and John Quackenbush. Pruning neural "
        "network models for gene regulatory dynamics using data and domain knowledge. "
        "NeurIPS 2024.",
    ),
    "pacia": Method(
        "pacia", "PACIA", "molecular_property", "4",
        "core.methods.parsimony_on_training.pacia:fit",
        "core.configs:pacia_config",
        "core.training.molecule_data:load_molecule_data",
        "Shiguang Wu, Yaqing Wang and Quanming Yao. PACIA: Parameter-Efficient Adapter for "
        "Few-Shot Molecular Property Prediction. IJCAI 2024.",
    ),
    "protonet": Method(
        "protonet", "Prototypes", "molecular_property", "4",
        "core.methods.parsimony_on_training.protonet:fit",
        "core.configs:protonet_config",
        "core.training.molecule_data:load_molecule_data",
        "Jake Snell, Kevin Swersky and Richard Zemel. Prototypical Networks for Few-shot Learning. "
        "NeurIPS 2017.",
    ),
}  # fmt: skip


# filtered MRR published for RED-GNN, both directions (authors' figures of 2022)
RED_GNN_PAPER: dict[str, float] = {
    "family": 0.992, "umls-drum": 0.964, "WN18RR": 0.533, "FB15k-237": 0.374, "NELL-995": 0.543,
    "WN18RR_v1": 0.701, "WN18RR_v2": 0.690, "WN18RR_v3": 0.427, "WN18RR_v4": 0.651,
    "fb237_v1": 0.369, "fb237_v2": 0.469, "fb237_v3": 0.445, "fb237_v4": 0.442,
    "nell_v1": 0.637, "nell_v2": 0.419, "nell_v3": 0.436, "nell_v4": 0.363,
}  # fmt: skip

# filtered MRR published for AutoBLM (table 2 of the parsimony paper)
AUTO_BLM_PAPER: dict[str, float] = {"WN18RR": 0.490, "FB15k-237": 0.360, "YAGO3-10": 0.571}
