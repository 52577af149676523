"""The question in three steps: data, what is known beforehand, how long to search."""

from dataclasses import replace

import streamlit as st

from core.data.physics.simulators import SIMULATORS, TOPOLOGIES
from core.discovery.options import BUDGETS, PAIR, Knowledge
from core.knowledge.physics.system import LEVELS
from core.serving import physics_question, physics_tables
from core.serving import symbolic_regression as laws
from core.serving.physics_permalink import MAX_SIZE, Link
from core.serving.physics_question import SIMULATOR, UPLOAD, Question
from pages.components import frame, phys_repairs, phys_state, phys_upload

SOURCES = {
    phys_state.EXAMPLE: "Example", SIMULATOR: "Simulator", phys_state.OWN: "My own data",
}  # fmt: skip
OPERATORS = {
    "add": "+", "sub": "−", "mul": "×", "div": "÷", "neg": "negative", "pow": "power",
    "square": "square", "sqrt": "square root", "exp": "exp", "log": "log", "sin": "sin",
    "cos": "cos", "tanh": "tanh", "abs": "absolute value", "sign": "sign",
}  # fmt: skip
PAIRS = {
    "": "not known",
    "symmetric": "same size from both ends (action and reaction)",
    "antisymmetric": "what one end loses the other gains",
}
WORDS = {"instant": "instant, at most 2 s", "standard": "1 minute", "thorough": "2 minutes"}
ROLES = {"": "", "position": "position", "velocity": "velocity", "angle": "angle"}
MAX_LISTED = 20  # quantities with inputs of their own


def ask(link: Link) -> tuple[Question | None, str]:
    """Draw the inputs; what they hold was filled in from the link already.

    Returns:
        The question as the inputs state it, None while there are no data; and what was pressed:
        ``predict``, ``job`` or nothing.
    """
    with st.container(key="phys_step_data"):
        st.subheader("1 · Data", anchor=False)
        draft = _choose_data()
    if draft is None:
        return None, ""
    with st.container(key="phys_step_knowledge"):
        st.subheader("2 · Knowledge", anchor=False)
        with frame.show_errors():
            draft = _choose_quantities(draft)
        knowledge = _choose_knowledge(draft)
        if knowledge is not None:
            phys_repairs.check_units(replace(draft, knowledge=knowledge))
    with st.container(key="phys_step_discover"):
        st.subheader("3 · Discover", anchor=False)
        budget = st.radio(
            "Time for the search", list(BUDGETS), key="phys_budget", format_func=WORDS.get
        )
        seed = st.number_input("Seed", 0, 1_000_000, key="phys_seed", step=1)
        draft = replace(draft, knowledge=knowledge or Knowledge(), budget=budget, seed=int(seed))
        if replace(link.query, job="") == draft:
            draft = link.query  # the search of this question has run, or runs
        quick = laws.is_quick(draft)
        pressed = st.button(
            "Find formulas", type="primary", key="phys_find", width="stretch",
            disabled=knowledge is None,
        )  # fmt: skip
        if not quick:
            st.markdown(":small[Runs in the background; you may close the page.]")
    return draft, ("predict" if quick else "job") if pressed else ""


def _choose_data() -> Question | None:
    """Where the data come from."""
    source = st.radio(
        "Data from", list(SOURCES), key=phys_state.DATA, format_func=SOURCES.get,
        on_change=_begin_source,
    )  # fmt: skip
    if source == phys_state.EXAMPLE:
        return _choose_example()
    if source == SIMULATOR:
        return _choose_simulator()
    with frame.show_errors():
        phys_upload.show()
    upload = st.session_state.get(phys_state.LATEST)
    return Question(f"{UPLOAD}:{upload}") if upload else None


def _choose_example() -> Question:
    examples = {one.id: one for one in laws.examples()}
    chosen = st.selectbox(
        "Example", list(examples), key="phys_example", on_change=_begin_example,
        format_func=lambda name: examples[name].title,
    )  # fmt: skip
    st.markdown(f":small[{frame.plain(examples[chosen].sentence)}]")
    return examples[chosen].question


def _begin_example() -> None:
    """Show an example with its answer."""
    chosen = st.session_state["phys_example"]
    phys_state.show(phys_state.STATE.read({"example": chosen}))


def _begin_source() -> None:
    """Another source begins with what is plain there; the answer stays."""
    source = st.session_state[phys_state.DATA]
    if source == SIMULATOR:
        _begin_system()
    elif source == phys_state.EXAMPLE:
        _begin_example() if "phys_example" in st.session_state else None
    phys_state.fill_knowledge(Question(""))


def _begin_system() -> None:
    """The settings that a system usually has."""
    name = st.session_state.get("phys_system") or next(iter(SIMULATORS))
    phys_state.fill_simulator(physics_question.of_simulator(name))
    phys_state.fill_knowledge(Question(""))


def _choose_simulator() -> Question:
    """A simulated system with its settings, and the same data as files."""
    state = st.session_state
    name = st.selectbox(
        "System", list(SIMULATORS), key="phys_system", on_change=_begin_system,
        format_func=lambda name: SIMULATORS[name].title,
    )  # fmt: skip
    st.markdown(f":small[True law: {frame.plain(SIMULATORS[name].law)}]")
    defaults = dict(physics_question.of_simulator(name).settings)
    for key, value in defaults.items():
        state.setdefault(f"phys_set_{key}", value)
    left, right = st.columns(2)
    with left:
        st.number_input("Graphs", 10, 5000, key="phys_set_num_graphs", step=50)
        st.number_input(
            "Noise", 0.0, 1.0, key="phys_set_noise", step=0.05,
            help="Standard deviation of the noise on the target, as a share of the target's.",
        )  # fmt: skip
    with right:
        st.number_input("Nodes of each", 2, 50, key="phys_set_num_nodes", step=1)
        st.selectbox("Links", TOPOLOGIES, key="phys_set_topology")
    st.number_input("Seed of the data", 0, 1_000_000, key="phys_set_seed", step=1)
    settings = tuple((key, state[f"phys_set_{key}"]) for key in defaults)
    question = Question(f"{SIMULATOR}:{name}", settings)
    with frame.show_errors():
        _offer_files(question)
    return question


def _offer_files(question: Question) -> None:
    """The simulated data exactly as an upload reads them."""
    with st.container(horizontal=True, key="phys_data_files"):
        for file in physics_tables.files_of(question):
            st.download_button(
                file.label, file.content, file_name=file.name, mime=file.mime,
                key=f"phys_file_{file.label.lower().replace(' ', '_')}", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip


def _choose_quantities(draft: Question) -> Question:
    """Units of the quantities, and which of them may be used."""
    system = physics_question.load_system(draft)
    listed = [
        (level, one) for level in LEVELS[::-1] for one in system.group_of(level).values()
    ][:MAX_LISTED]  # fmt: skip
    units, left_out = {}, []
    with st.popover("Columns, roles and units", key="phys_quantities", width="stretch"):
        st.markdown(
            ":small[SI symbols such as kg m s^-2; 1 without a dimension; empty where not known.]"
        )
        for level, one in listed:
            words = ", ".join(
                word for word in (level, "vector" if one.is_vector else "", ROLES[one.role]) if word
            )
            left, right = st.columns([3, 2], vertical_alignment="bottom")
            with left:
                st.session_state.setdefault(f"phys_use_q_{one.name}", True)
                used = st.checkbox(
                    f"{frame.plain(one.name)} ({words})", key=f"phys_use_q_{one.name}"
                )
            with right:
                _unit(one.name, one.unit, units)
            if not used:
                left_out.append(one.name)
        target = system.target
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        with left:
            st.markdown(f"Target: **{frame.plain(target.name)}** ({system.level})")
        with right:
            _unit(target.name, target.unit, units)
    return replace(
        draft, units=tuple(units.items()), left_out=tuple(dict.fromkeys(left_out))
    )  # fmt: skip


def _unit(name: str, given: str, units: dict[str, str]) -> None:
    """One input of a unit; a change goes into `units`."""
    key = f"phys_unit_{name}"
    st.session_state.setdefault(key, given)
    unit = st.text_input(f"Unit of {name}", key=key, max_chars=60)
    if unit.strip() != given:
        units[name] = unit.strip()


def _choose_knowledge(draft: Question) -> Knowledge | None:
    """Operators, size and symmetries; None when they cannot be used."""
    with st.popover("Operators, size, symmetries", key="phys_options", width="stretch"):
        operators = st.multiselect(
            "Operators", list(OPERATORS), key="phys_operators", format_func=OPERATORS.get,
            select_all=False,
        )  # fmt: skip
        size = st.slider("Largest size of a formula", 3, MAX_SIZE, key="phys_size")
        pair = st.selectbox("The message between two nodes", PAIR, key="phys_pair",
                            format_func=PAIRS.get)  # fmt: skip
        rotation = st.checkbox(
            "The law has no handedness", key="phys_rotation",
            help="Off: forces at right angles to the line between two nodes are tried too.",
        )  # fmt: skip
        use_units = st.checkbox("Formulas must agree with the units", key="phys_use_units")
        constants = st.checkbox("Fitted constants may carry units", key="phys_constant_units")
        guess = st.text_area(
            "Formulas to begin with, one per line", key="phys_guess", height=68, max_chars=2000,
            placeholder="k*(r - 1)/m_i",
        )  # fmt: skip
    with frame.show_errors():
        return Knowledge(
            operators=tuple(operators), max_complexity=size, rotation=rotation, pair=pair,
            use_units=use_units, allow_constant_units=constants,
            guess=laws.read_guesses(guess, draft),
        )  # fmt: skip
    return None
