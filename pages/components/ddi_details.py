"""Details of the evidence: nodes, paths and their kinds, shared proteins, similar drugs."""

from collections.abc import Sequence

import streamlit as st

from core import chemistry
from core.chemistry import Structure
from core.errors import InputError
from core.serving import ddi_evidence as evidence
from core.serving import drug_interaction as ddi
from pages.components import frame
from pages.components.ddi_answers import MAX_SENTENCE
from pages.components.molecule_view import show_flat, show_pair
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_score

SHOWN_NODES = 12
SHOWN_PATHS = 4
SHOWN_SIMILAR = 4


def show_occlusion(row: ddi.Row, explanation: evidence.Explanation) -> None:
    """Nodes by what cutting them does, then the paths of the evidence, one by one."""
    nodes = [node for _, some in explanation.ranked for node in some]
    if not nodes:
        st.markdown("No node lies between the two drugs.")
        return
    measured = ""
    if explanation.num_measured < explanation.num_nodes:
        measured = (
            f" The {explanation.num_measured:,} of {explanation.num_nodes:,} nodes that carry most "
            "of the flow were cut one by one."
        )
    st.markdown(
        "Every path through one node is cut, the network answers again. **Fall** is the change of "
        f"the log-odds; falls do not add up.{measured}"
    )
    for title, some in explanation.ranked:
        _show_nodes(title, some[:SHOWN_NODES])
    names = {node.id: node for node in nodes}
    chosen = st.selectbox(
        "Only paths through", list(names), key=f"ddi_only_{row.type_id}", filter_mode="contains",
        format_func=lambda key: names[key].name,
    )  # fmt: skip
    node = names[chosen]
    st.markdown(
        f"With nothing but the {node.num_paths:,} path{'' if node.num_paths == 1 else 's'} through "
        f"**{frame.plain(node.name)}** the score is **{show_score(node.only)}**, without them "
        f"**{show_score(node.without)}**, with everything **{show_score(explanation.score)}**, "
        f"with no fact at all **{show_score(explanation.empty)}**."
    )
    st.markdown("**Paths of the evidence**, strongest first:")
    show_paths(explanation, key="occlusion")


def _show_nodes(title: str, nodes: Sequence[evidence.NodeEffect]) -> None:
    show_rows(
        (title, "Kind", "Paths", "Fall", "Score without", "Score with it alone"),
        [
            (
                node.name, node.kind, f"{node.num_paths:,}", show_change(node.fall),
                show_score(node.without), show_score(node.only),
            )
            for node in nodes
        ],
        right=("Paths", "Fall", "Score without", "Score with it alone"),
    )  # fmt: skip


def show_paths(explanation: evidence.Explanation, *, key: str = "attention") -> None:
    """Each path as a chain of facts, with its kind and what it is worth alone."""
    paths = explanation.paths
    if not paths:
        st.markdown("No chain of at most three of these facts joins the two drugs.")
        return
    if key == "attention":
        st.markdown(
            "The paper's view: the paths with the highest mean attention from each end. Attention "
            "belongs to relations, so paths with the same relations tie; it is no proof of use."
        )
    everything = len(paths) > SHOWN_PATHS and st.checkbox(
        f"Show all {len(paths)} paths", key=f"ddi_all_paths_{key}"
    )
    for number, path in enumerate(paths if everything else paths[:SHOWN_PATHS], start=1):
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{number}.** {frame.plain(path.sentence)}.")
            st.markdown(
                f"Score with only this path **{show_score(path.only)}**, without it "
                f"**{show_score(path.without)}** (with everything "
                f"{show_score(explanation.score)}). Mean attention **{path.attention:.3f}**, the "
                f"same for {path.parallel:,} path{'' if path.parallel == 1 else 's'} of this kind."
            )
            st.markdown(f"Kind: {frame.plain(path.kind)}")


def show_kinds(explanation: evidence.Explanation) -> None:
    """Groups of paths with the same relations: meta-paths."""
    if not explanation.kinds:
        st.markdown("No path of at most three steps joins the two drugs.")
        return
    st.markdown(
        f"{explanation.num_paths:,} paths over {explanation.num_facts:,} facts. Each row is a kind "
        "of path; all its paths are cut together."
    )
    show_rows(
        ("Kind of path", "Example", "Paths", "Fall", "Score with it alone", "Attention"),
        [
            (
                kind.text, kind.example, f"{kind.num_paths:,}",
                show_change(kind.fall), show_score(kind.only), f"{kind.attention:.3f}",
            )
            for kind in explanation.kinds
        ],
        right=("Paths", "Fall", "Score with it alone", "Attention"),
        limit=MAX_SENTENCE,
    )  # fmt: skip


def show_shared(answer: ddi.Answer, row: ddi.Row, explanation: evidence.Explanation) -> None:
    """Proteins, effects and diseases that both drugs are linked to, with roles and sources."""
    if not explanation.shared:
        st.markdown("The network states nothing that both drugs are linked to.")
        return
    first, second = names_in_order(answer, row)
    show_rows(
        ("Shared", "Kind", first, second, "Fall"),
        [
            (
                one.name, one.kind, _roles(one.first), _roles(one.second),
                "–" if one.fall is None else show_change(one.fall),
            )
            for one in explanation.shared
        ],
        right=("Fall",),
        limit=MAX_SENTENCE,
    )  # fmt: skip
    names = {one.id: one for one in explanation.shared}
    chosen = names[
        st.selectbox(
            "Sources for", list(names), key=f"ddi_sources_{row.type_id}",
            format_func=lambda key: names[key].name, filter_mode="contains",
        )
    ]  # fmt: skip
    for name, roles in ((first, chosen.first), (second, chosen.second)):
        for role in roles:
            note = role.note
            words = [role.relation, note.text, note.source, note.licence]
            words += [f"read {note.accessed}"] if note.accessed else []
            st.markdown(
                f"**{frame.plain(name)}**: "
                + " · ".join(frame.plain(word) for word in dict.fromkeys(words) if word)
            )
            if note.url:
                st.code(note.url, language=None, wrap_lines=True)


def _roles(roles: Sequence[evidence.SharedRole]) -> str:
    return "; ".join(dict.fromkeys(role.note.text or role.relation for role in roles)) or "–"


def show_similar(answer: ddi.Answer, row: ddi.Row, explanation: evidence.Explanation) -> None:
    """Known interactions of drugs like these, with both structures side by side."""
    if not explanation.similar:
        st.markdown(
            "No known interaction of this type between drugs that resemble these two in structure."
        )
        return
    st.markdown(
        "Known interactions of the same type between drugs of similar structure. The numbers "
        "are Tanimoto coefficients, **Share** is the part of all such votes."
    )
    first, second = names_in_order(answer, row)
    likeness = (f"Like {first}", f"Like {second}")
    show_rows(
        ("Known interaction", *likeness, "Share"),
        [
            (
                one.sentence, _likeness(first, one.head_name, one.head_similarity),
                _likeness(second, one.tail_name, one.tail_similarity), f"{one.share:.0%}",
            )
            for one in explanation.similar
        ],
        right=(*likeness, "Share"),
        limit=MAX_SENTENCE,
    )  # fmt: skip
    structures = ends_smiles(answer, row)
    for number, one in enumerate(explanation.similar[:SHOWN_SIMILAR], start=1):
        pairs = [
            (name, smiles, other, other_smiles)
            for name, smiles, other, other_smiles in (
                (first, structures[0], one.head_name, one.head_smiles),
                (second, structures[1], one.tail_name, one.tail_smiles),
            )
            if name != other and smiles and other_smiles
        ]
        for name, smiles, other, other_smiles in pairs:
            with st.container(border=True, key=f"ddi_similar_{number}_{name}"):
                left, right = st.columns(2)
                _draw(left, name, smiles)
                _draw(right, other, other_smiles, like=smiles)


def _likeness(name: str, other: str, similarity: float) -> str:
    return "itself" if name == other else f"{similarity:.2f}"


def _draw(place, name: str, smiles: str, like: str = "") -> None:
    with place, frame.show_errors():
        structure = chemistry.check(smiles)
        show_flat(structure, name, like=like)
        st.markdown(frame.plain(name))


def show_molecules(answer: ddi.Answer) -> None:
    """Both drugs as cards; in space on demand."""
    case = ddi.open_case(answer.query)
    found: list[tuple[str, Structure]] = []
    for end in case.ends:
        if not end.smiles:
            st.markdown(f"The structure of {frame.plain(end.name)} is not known.")
            continue
        try:
            found.append((end.name, chemistry.check(end.smiles)))
        except InputError as error:
            frame.show_error(error)
    if len(found) == 2:
        (first, one), (second, other) = found
        show_pair(one, other, (first, second), key="ddi_molecules")
    for name, structure in found if len(found) == 1 else ():
        show_flat(structure, name)


def names_in_order(answer: ddi.Answer, row: ddi.Row) -> tuple[str, str]:
    """Names of #Drug1 and #Drug2 of a row."""
    first, second = ddi.open_case(answer.query).ends_of(row)
    return first.name, second.name


def ends_smiles(answer: ddi.Answer, row: ddi.Row) -> tuple[str, str]:
    """Structures of #Drug1 and #Drug2 of a row; empty where unknown."""
    first, second = ddi.open_case(answer.query).ends_of(row)
    return first.smiles, second.smiles
