"""A compound that is not in the network: name, structure, and the facts known about it."""

import streamlit as st

from core.knowledge.interactions import DrugNetwork
from core.render.tables import to_safe_csv
from core.render.text import shorten
from core.serving import ddi_networks as networks
from core.serving import drug_interaction as ddi
from core.serving.ddi_case import MAX_NAME
from pages.components import frame
from pages.components.inputs import MAX_OPTIONS, match_names
from pages.components.molecule_input import choose_molecule

MARK = "\t"  # between relation and entity in the key of an offered fact
MAX_PROBLEMS = 5  # rows of a file that are reported one by one
NUM_EXAMPLES = 3


def enter(side: str, network_id: str) -> ddi.NewDrug:
    """Draw the form of one new compound.

    Args:
        side: ``first`` or ``second``, part of the widgets' keys.
        network_id: whose relations and entities are offered.
    """
    key = f"ddi_{side}_new"
    name = st.text_input(
        "Name of the compound", key=f"{key}_name", max_chars=MAX_NAME, placeholder="XY-123"
    )
    default = st.session_state.get(f"{key}_default", "")
    structure = choose_molecule("Structure", key=f"{key}_molecule", default=default)
    facts = _choose_facts(key, network_id)
    with st.expander("Facts from a CSV", key=f"{key}_csv"):
        facts += _upload_facts(key, network_id)
    return ddi.NewDrug(
        name.strip() or "New compound",
        structure.smiles if structure else "",
        tuple(dict.fromkeys(facts)),
    )


def key_of(fact: tuple[str, str]) -> str:
    """Key of a fact in the list of choices."""
    return MARK.join(fact)


def fact_of(key: str) -> tuple[str, str]:
    """Relation id and entity id behind a key of `key_of`."""
    relation, _, entity = key.partition(MARK)
    return relation, entity


def _choose_facts(key: str, network_id: str) -> list[tuple[str, str]]:
    """A list to pick from, and what was picked; a pick is added at once."""
    offered = offered_facts(network_id)
    picked: list[tuple[str, str]] = st.session_state.setdefault(f"{key}_facts", [])
    options = list(offered)
    if len(options) > MAX_OPTIONS:
        text = st.text_input(
            "Known facts: search", key=f"{key}_facts_search", max_chars=200,
            placeholder="Part of a protein's name",
        )  # fmt: skip
        options = match_names(text, offered) if text.strip() else []
    st.selectbox(
        "Add a known fact: enzyme, transporter, target, effect", options, index=None,
        key=f"{key}_fact", format_func=lambda option: offered.get(option, option),
        filter_mode="contains", placeholder="Type CYP2D6, SLC6A4, …", on_change=_pick, args=(key,),
    )  # fmt: skip
    with st.container(key=f"{key}_picked", gap="xxsmall"):
        for number, fact in enumerate(picked):
            words = frame.plain(offered.get(key_of(fact), " ".join(fact)))
            st.button(
                words, key=f"{key}_drop_{number}", icon=":material/close:", type="tertiary",
                help="Take this fact back", on_click=picked.remove, args=(fact,),
            )  # fmt: skip
    return list(picked)


def _pick(key: str) -> None:
    """Add the chosen fact and empty the field."""
    chosen = st.session_state[f"{key}_fact"]
    picked = st.session_state[f"{key}_facts"]
    if chosen and fact_of(chosen) not in picked:
        picked.append(fact_of(chosen))
    st.session_state[f"{key}_fact"] = None


def _upload_facts(key: str, network_id: str) -> list[tuple[str, str]]:
    st.markdown("One fact per row: relation, entity; ids or names of the network.")
    file = st.file_uploader("File with facts of the compound", key=f"{key}_file")
    rows = [fact_of(option) for option in list(offered_facts(network_id))[:NUM_EXAMPLES]]
    st.download_button(
        "Download a valid example file", to_safe_csv(rows, ("relation", "entity")),
        file_name="facts.csv", mime="text/csv", key=f"{key}_example", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
    if file is None:
        return []
    with frame.show_errors():
        facts, problems = ddi.read_facts(network_id, file.name, file.getvalue())
        offered = offered_facts(network_id)
        st.markdown(
            f"{len(facts)} fact{'' if len(facts) == 1 else 's'} read: "
            + frame.plain("; ".join(offered.get(key_of(fact), " ".join(fact)) for fact in facts))
        )
        for problem in problems[:MAX_PROBLEMS]:
            st.warning(
                frame.plain(f"Line {problem.line} left out: {problem.problem}"),
                icon=":material/info:",
            )
        return list(facts)
    return []


@st.cache_resource(show_spinner="Reading the network", max_entries=8)
def offered_facts(network_id: str) -> dict[str, str]:
    """Relation and entity pairs that make sense for a drug, as words by key.

    An entity is offered with every relation that drugs have to it or to one like it: one that
    shares a relation with it, as enzymes share "is metabolised by".
    """
    found = networks.context(network_id)
    network, turned = found.network, found.drug_is_tail.tolist()
    held = _entities_by_relation(network, turned)
    words = {}
    for relation in held:
        alike = set().union(*(other for other in held.values() if other & held[relation]))
        phrase = network.relations[relation].name
        for entity in alike:
            symbol, _, rest = shorten(network.entity_names[entity], 60).partition(" (")
            more = f" · {rest.removesuffix(')')}" if rest else ""
            key = key_of((network.relations[relation].id, network.entities[entity]))
            words[key] = f"{symbol}: {phrase + ' it' * turned[relation]}{more}"
    return dict(sorted(words.items(), key=lambda item: item[1]))


def _entities_by_relation(network: DrugNetwork, turned: list[bool]) -> dict[int, set[int]]:
    """Entities other than drugs that drugs have a relation to, by the relation's row."""
    edges, d = network.edges, network.num_drugs
    forth, back = edges[edges[:, 0] < d][:, 1:].tolist(), edges[edges[:, 2] < d][:, :2].tolist()
    pairs = [(relation, entity) for relation, entity in forth if not turned[relation]]
    pairs += [(relation, entity) for entity, relation in back if turned[relation]]
    held: dict[int, set[int]] = {}
    for relation, entity in pairs:
        if entity >= d:
            held.setdefault(relation, set()).add(entity)
    return held
