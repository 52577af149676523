"""Where everything comes from, what is promised and what is not."""

import streamlit as st

from core.data import registry
from core.data.assets import ASSETS
from core.serving.artifact import Artifact, Card, Metric, list_artifacts
from pages.components import frame

PROMISES = (
    "Nothing you upload leaves this server: no page makes a request to another host.",
    "The same model file gives the same number, to within 0.00001, on the same release.",
    "A closed browser or a restarted server does not lose a job; a job whose process dies is "
    "resumed once by itself.",
    "A damaged model file is refused; it is never replaced by a guess.",
    "A bad row in a file is reported with its line number and does not stop the others.",
    "We show when the evidence does not carry the answer: the verdict NOT SUPPORTED is an answer.",
)
THREATS = """
This server is for one person or a group whose members trust one another, not for the open
internet. It listens on its own machine unless told otherwise. Users share one process and one web
origin; results are addressed by random ids of 192 bits, and whoever has the link can read the
result. There is no login of its own: put a proxy with TLS and a login in front of it before
others can reach it.

What is guarded: names in uploaded graphs are shown as text and cannot run; archives, model files
and Python files are refused by content, not by name; files are limited to 20 MB, graphs to
500,000 facts; exported tables cannot start a spreadsheet formula; models are opened only when
their checksum is the one in their card. What is not promised: protection of one user from another
on the same server.
"""
PRIOR_ART = (
    ("HeuristicLab", "impact of the parts of a formula on its prediction"),
    ("Kelpie", "necessary and sufficient facts behind a predicted link"),
    ("LinkLogic", "explanations of link predictions by paths"),
    ("PyTorch Geometric", "fidelity measures for explanations of graph networks"),
    ("CleanGraph", "editing of knowledge graphs"),
    ("Galaxy", "histories with versions, and the carbon footprint of a job"),
    ("GAISSALabel", "energy labels for models"),
    ("Chemprop", "conformal prediction for molecules"),
)
CITATIONS = (
    "Beyond Scaleup: Knowledge-aware Parsimony Learning from Deep Networks. arXiv 2407.00478.",
    "Zhang, Y., Yao, Q. Knowledge Graph Reasoning with Relational Digraph. The Web Conference "
    "2022.",
    "Wu, S., Wang, Y., Jing, Q. et al. ColdNAS: Search to Modulate for User Cold-Start "
    "Recommendation. The Web Conference 2023.",
    "Zhang, Y., Yao, Q., Yue, L. et al. Emerging drug interaction prediction enabled by a "
    "flow-based graph neural network with biomedical network. Nature Computational Science 2023.",
    "Shi, H., Ding, J. et al. Learning Symbolic Models for Graph-structured Physical Mechanism. "
    "ICLR 2023.",
    "Hossain, I., Fischer, J., Burkholz, R., Quackenbush, J. Pruning neural network models for "
    "gene regulatory dynamics using data and domain knowledge (DASH). arXiv 2403.04805.",
)

TASKS = {
    "kg_reasoning": "which entities complete a fact of a knowledge graph",
    "drug_interaction": "how two drugs may interact, also drugs without known interactions",
    "recommendation": "what a new user may like, from a few ratings",
    "molecular_property": "which molecules are active, from a few known ones of one assay",
    "symbolic_regression": "which short formula governs a system recorded on a graph",
    "gene_regulation": "which gene regulates which, from expression over time and a prior",
}
METHODS = {
    "redgnn": "RED-GNN",
    "autoblm": "AutoBLM",
    "emergnn": "EmerGNN",
    "coldnas": "ColdNAS",
    "par": "PAR",
    "pacia": "PACIA",
    "protonet": "Prototypical networks",
    "gsr": "GSR",
    "dash": "DASH",
}
FIGURES = {
    "mrr": "Mean reciprocal rank (MRR)",
    "hits_at_1": "Right answer first (Hits@1)",
    "hits_at_3": "Right answer among 3 (Hits@3)",
    "hits_at_10": "Right answer among 10 (Hits@10)",
    "reach": "Right answer within reach of the model's steps",
    "accuracy": "Right first type, EmerGNN alone",
    "f1": "F1 over types (macro), EmerGNN alone",
    "kappa": "Cohen's kappa, EmerGNN alone",
    "plus accuracy": "Right first type, EmerGNN+",
    "plus f1": "F1 over types (macro), EmerGNN+",
    "plus kappa": "Cohen's kappa, EmerGNN+",
    "coverage": "Right type in the prediction set",
    "set size": "Types in the prediction set",
    "pairs": "Pairs measured on",
    "r2": "Explained variance (R²), law",
    "r2_network": "Explained variance (R²), network behind the law",
    "r2_full_network": "Explained variance (R²), network with nothing taken out",
    "mse": "Mean squared error at the next time point (expression 0 to 1)",
    "mse_course": "Mean squared error of whole trajectories",
    "sparsity": "Share of weights pruned",
    "out_degree": "Targets per regulating gene",
    "balanced_accuracy": "Balanced accuracy of the edges",
    "precision": "Found edges that are true",
    "recall": "True edges that are found",
    "sign_accuracy": "Found true edges with the right sign",
}

OF_TASK = {  # what the same names mean elsewhere; figures of rivals stand on the task's page
    "recommendation": {
        "mse": "Mean squared error of ratings",
        "mae": "Mean absolute error of ratings",
        "ndcg@3": "Order of the rated items (nDCG@3)",
        "ndcg@5": "Order of the rated items (nDCG@5)",
        "recall@10": "Liked items among the first 10 of the catalogue",
        "coverage": "Share of the catalogue that is ever among the first 10",
        "popularity_bias": "Popularity of the listed items minus that of the liked ones",
    },
}


def show_card(card: Card) -> None:
    """A model's card in the order of the OECD's principles for models."""
    st.subheader(card.title, anchor=False)
    method = METHODS.get(card.method, card.method)
    shown = (
        ("Answers", TASKS.get(card.task, card.task)),
        ("Method", f"{method}, {card.num_parameters:,} parameters, seed {card.seed}"),
        ("Data", f"{card.data.title}; split: {card.data.split}; licence: {card.data.licence}"),
        ("Data sha256", f"`{card.data.sha256}`"),
        ("Trained", f"{card.created}, {card.training_s:,.0f} s on {card.hardware}"),
        ("Same as in training", f"to within {card.parity:.1e} (ONNX Runtime against torch)"),
        ("Cite", " ".join(card.citations)),
    )
    st.table([{"Field": field, "Value": value} for field, value in shown])
    words = OF_TASK.get(card.task, FIGURES)
    st.table(
        [
            {
                "Figure": f"{words.get(metric.name, metric.name)}, {metric.split}",
                "Ours": say_value(metric),
                "Seeds": str(len(metric.seeds)),
                "Published": "–" if metric.paper is None else f"{metric.paper:g}",
            }
            for metric in card.metrics
            if metric.name in words or card.task not in OF_TASK
        ]
    )
    for protocol in dict.fromkeys(metric.protocol for metric in card.metrics):
        st.markdown(f"How it was measured: {frame.plain(protocol)}.")
    for source in dict.fromkeys(m.paper_source for m in card.metrics if m.paper is not None):
        st.markdown(f"Published figure: {frame.plain(source)}")


def say_value(metric: Metric) -> str:
    """A mean; with its standard deviation when there is more than one seed."""
    value = f"{metric.value:.4f}"
    return f"{value} ± {metric.std:.4f}" if len(metric.seeds) > 1 else value


frame.guard("about")
frame.page(
    "About",
    "Where the methods, models and data come from, what this server promises and what it does not.",
)

st.header("Promises", anchor=False)
st.markdown("\n".join(f"{number}. {text}" for number, text in enumerate(PROMISES, start=1)))

st.header("What it is safe for", anchor=False)
st.markdown(THREATS)

st.header("Models", anchor=False)
with frame.show_errors():
    for _, artifact in list_artifacts():
        if not isinstance(artifact, Artifact):
            frame.show_error(artifact)
        else:
            show_card(artifact.card)

st.header("Data sets", anchor=False)
st.markdown("None is part of the program; `python -m core data get NAME` fetches and verifies one.")
st.table(
    [
        {
            "Name": data_set.name,
            "What it is": data_set.title,
            "Lines": f"{sum(file.num_rows for file in data_set.files):,}",
            "Licence": data_set.licence,
            "Cite": data_set.citation,
        }
        for data_set in registry.list_sets()
    ]
)

st.header("Prior art", anchor=False)
st.markdown(
    "The check of the evidence builds on ideas that others had first:\n\n"
    + "\n".join(f"- **{name}**: {what}" for name, what in PRIOR_ART)
)

st.header("Citation and licence", anchor=False)
st.markdown("\n".join(f"- {text}" for text in CITATIONS))
st.markdown(
    "The program is under the MIT licence. Placed beside it at set-up: "
    + ", ".join(f"{asset.package} {asset.version} ({asset.licence})" for asset in ASSETS)
    + "."
)
frame.footer()
