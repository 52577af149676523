"""What the application can do, which models it serves, whether the server is ready."""

from dataclasses import dataclass

import streamlit as st

from core import jobs
from core.errors import ParsimonyError
from core.serving.artifact import Artifact, Card, Metric, list_artifacts
from core.store import Store
from pages.components import frame


@dataclass(frozen=True)
class Domain:
    """One of the six domains, with the file name of its page without ``.py``."""

    title: str
    method: str
    sentence: str
    page: str


DOMAINS = (
    Domain(
        "KG reasoning",
        "RED-GNN, AutoBLM · sections 5.1, 3.1",
        "Ask a knowledge graph for missing facts; each answer comes with the chain of facts that "
        "makes it plausible.",
        "kg_reasoning",
    ),
    Domain(
        "Recommendation",
        "ColdNAS · section 3.2",
        "From five ratings of a new user: what next, how sure, and which of the five ratings "
        "caused it.",
        "recommendation",
    ),
    Domain(
        "Molecular property",
        "PAR, PACIA · section 4",
        "Rank candidate molecules from ten actives and ten inactives of one assay.",
        "molecular_property",
    ),
    Domain(
        "Symbolic regression",
        "GSR · section 5.2",
        "Find a short formula with the right units for a system recorded on a graph.",
        "symbolic_regression",
    ),
    Domain(
        "Drug interaction",
        "EmerGNN · section 6",
        "Foresee interactions of a compound without known ones, through proteins and pathways.",
        "drug_interaction",
    ),
    Domain(
        "Gene regulation",
        "DASH · beside section 3",
        "Prune a model of expression dynamics guided by a prior network; see which links the data "
        "kept.",
        "gene_regulation",
    ),
)


# name and split in the card, words: the figure of a model in the list
FIGURES = (
    ("mrr", "test", "MRR"),
    ("plus accuracy", "test S1", "accuracy, one new drug"),
    ("plus accuracy", "test S2", "accuracy, two new drugs"),
    ("auc", "test 10-shot", "ROC-AUC, ten known of each class"),
    ("r2", "test", "R² of the law"),
    ("mse", "test, N=10", "squared error of ratings, ten given"),
    ("balanced_accuracy", "test", "balanced accuracy of the edges"),
)


def show_domain(domain: Domain) -> None:
    """One card: what a person gets, and the way there."""
    with st.container(border=True, height="stretch"):
        st.subheader(domain.title, anchor=False)
        st.caption(domain.method)
        st.markdown(domain.sentence)
        frame.link(domain.page, f"Open {domain.title}")


def find_figure(card: Card) -> tuple[str, Metric] | None:
    """The figure that stands for a model, with its name in words."""
    for name, split, words in FIGURES:
        if metric := card.metric(name, split):
            return words, metric
    return None


def describe(name: str, artifact: Artifact | ParsimonyError) -> dict[str, str]:
    """One row of the table of models; a refused one says why."""
    shown = {"Model": name, "Data": "", "Figure": "", "Measured": "", "Published": ""}
    if not isinstance(artifact, Artifact):
        return shown | {"State": frame.plain(str(artifact))}
    shown["Data"] = artifact.card.data.title
    if found := find_figure(artifact.card):
        label, metric = found
        shown |= {"Figure": label, "Measured": f"{metric.value:.3f}"}
        shown["Published"] = "–" if metric.paper is None else f"{metric.paper:.3f}"
    return shown | {"State": "verified"}


def show_server(providers: set[str]) -> None:
    """Whether the database can be used, jobs are computed, and on what the models run."""
    problems = find_damage()
    num_workers = jobs.count_workers()
    database, worker, runtime = st.columns(3)
    with database.container(border=True):
        st.metric("Database", "ready" if not problems else "damaged")
    with worker.container(border=True):
        st.metric("Workers for jobs", f"{num_workers} alive" if num_workers else "none alive")
    with runtime.container(border=True):
        st.metric("Models run on", ", ".join(sorted(providers)) or "no model yet")
    for problem in problems:
        st.warning(frame.plain(problem))


@st.cache_data(show_spinner=False, ttl=60)
def find_damage() -> list[str]:
    """Problems of the database and the uploaded files; looked for once a minute."""
    return Store.open().check()


@st.cache_resource(show_spinner="Verifying the models", ttl=60)
def verified() -> list[tuple[str, Artifact | ParsimonyError]]:
    """Every artifact compared with its card; shared by all sessions, repeated once a minute."""
    return list(list_artifacts())


frame.guard("home")
frame.page(
    "Parsimony",
    "Predictions with the few facts they rest on, and a live test of whether those facts really "
    "carry the answer.",
)

st.header("Six domains", anchor=False)
for row in (DOMAINS[:3], DOMAINS[3:]):
    for column, domain in zip(st.columns(3), row, strict=True):
        with column:
            show_domain(domain)

st.header("Models on this server", anchor=False)
artifacts = verified()
if artifacts:
    st.table([describe(name, artifact) for name, artifact in artifacts])
    st.markdown(
        "MRR, the mean reciprocal rank of held-back facts: 1 when every right answer is first. "
        "Accuracy: the share of held-back pairs whose first type is right. ROC-AUC: how often an "
        "active molecule stands before an inactive one, both of scaffolds that no training saw. "
        "R²: the share of the variance on unseen graphs that the law explains. "
        "The **About** page has the full cards."
    )
else:
    st.info("No trained model is here. Restore the folder `trained/` from the release.")

st.header("This server", anchor=False)
with frame.show_errors():
    names = {"CPUExecutionProvider": "CPU", "CUDAExecutionProvider": "GPU (CUDA)"}
    loaded = [artifact for _, artifact in artifacts if isinstance(artifact, Artifact)]
    show_server({names.get(one.session.provider, one.session.provider) for one in loaded})

frame.footer()
