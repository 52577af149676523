"""The entry script: page configuration and navigation by section of the paper, nothing else."""

from pathlib import Path

import streamlit as st

from pages.components import frame

PICTURES = Path(__file__).resolve().parent / "pages" / "components"

st.set_page_config(page_title=frame.APP, page_icon=str(PICTURES / "icon.svg"), layout="wide")
st.logo(PICTURES / "logo.svg", icon_image=PICTURES / "icon.svg", size="large")

HOME = st.Page("pages/home.py", title="Home", icon=":material/home:", default=True)
KG = st.Page("pages/kg_reasoning.py", title="KG reasoning", icon=":material/hub:")
DRUGS = st.Page("pages/drug_interaction.py", title="Drug interaction", icon=":material/medication:")
RATINGS = st.Page("pages/recommendation.py", title="Recommendation", icon=":material/recommend:")
MOLECULES = st.Page(
    "pages/molecular_property.py", title="Molecular property", icon=":material/science:"
)
PHYSICS = st.Page(
    "pages/symbolic_regression.py", title="Symbolic regression", icon=":material/function:"
)
GENES = st.Page("pages/gene_regulation.py", title="Gene regulation", icon=":material/genetics:")
JOBS = st.Page("pages/jobs.py", title="Jobs", icon=":material/manufacturing:")
ABOUT = st.Page("pages/about.py", title="About", icon=":material/info:")
SECTIONS = {
    "": [HOME],
    "Model (section 3)": [RATINGS, GENES],
    "Training (section 4)": [MOLECULES],
    "Interpretation (section 5)": [KG, PHYSICS],
    "Drug development (section 6)": [DRUGS],
    "Server": [JOBS, ABOUT],
}

navigation = st.navigation(SECTIONS, position="hidden")
frame.enter(
    {
        "home": HOME,
        "kg_reasoning": KG,
        "drug_interaction": DRUGS,
        "recommendation": RATINGS,
        "molecular_property": MOLECULES,
        "symbolic_regression": PHYSICS,
        "gene_regulation": GENES,
        "jobs": JOBS,
        "about": ABOUT,
    }
)
frame.menu(SECTIONS)
navigation.run()
frame.settle()
