"""Interactions of two drugs: list, show, find, predict, explain, scan, regimen, upload."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_check, print_table
from core.errors import DataError, InputError, UnknownName

if TYPE_CHECKING:
    from core.data.uploads import RowProblem
    from core.serving.ddi_evidence import Explanation, SharedRole
    from core.serving.drug_interaction import Answer, Fact, NewDrug, Query, Row

commands = typer.Typer(
    help="Interactions of drugs, of new compounds too: list, show, find, predict, explain, scan, "
    "regimen, upload.",
    no_args_is_help=True,
)

MAX_PROBLEMS = 20  # skipped rows printed per table
SHOWN = 10  # rows of each table of evidence


class Ranking(StrEnum):
    """How evidence is chosen."""

    OCCLUSION = "occlusion"
    ATTENTION = "attention"


NetworkId = Annotated[str, typer.Argument(help="starter, drugbank, or upload:ID.")]
Drugs = Annotated[
    list[str] | None, typer.Argument(help="Ids, names or synonyms; leave out new compounds.")
]
New = Annotated[str, typer.Option("--new", help="Name of a new compound, as the first drug.")]
Smiles = Annotated[str, typer.Option(help="Its structure.")]
Facts = Annotated[
    list[str] | None,
    typer.Option("--fact", help="What is known about it: RELATION=ENTITY, see `show`."),
]
FactFile = Annotated[
    Path | None, typer.Option("--facts", help="The same as a table: relation, entity.")
]
SecondNew = Annotated[
    str, typer.Option("--second-new", help="Name of a new compound, as the second drug.")
]
SecondSmiles = Annotated[str, typer.Option("--second-smiles", help="Its structure.")]
SecondFacts = Annotated[
    list[str] | None, typer.Option("--second-fact", help="What is known about it.")
]
Edits = Annotated[
    list[str] | None,
    typer.Option(
        "--edit",
        help='Change a fact first: "remove|HEAD|RELATION|TAIL" or "add|…"; new:1 and new:2 are '
        "the new compounds.",
    ),
]


@commands.command("list")
def list_networks(
    uploads: Annotated[list[str] | None, typer.Argument(help="Uploads too: upload:ID.")] = None,
) -> None:
    """List the drug networks that can be asked."""
    from core.serving import ddi_networks as networks

    ids = [one.removeprefix(networks.UPLOAD) for one in uploads or ()]
    rows = [("id", "drugs", "types", "ready", "title")]
    for entry in networks.list_networks(ids):
        ready = "yes" if entry.available else "no"
        rows.append(
            (entry.id, f"{entry.num_drugs:,}", f"{entry.num_types:,}", ready,
             f"{entry.title}. {entry.reason}" if entry.reason else entry.title)
        )  # fmt: skip
    print_table(rows)


@commands.command()
def show(network: NetworkId) -> None:
    """Show the relations a new compound may have and the types of interaction."""
    from core.serving.ddi_networks import context, find_network
    from core.serving.drug_interaction import find_entities, role_relations

    entry, found = find_network(network), context(network)
    typer.echo(f"{entry.title}: {entry.source}")
    typer.echo(f"{entry.num_drugs:,} drugs, {len(found.network.edges):,} facts")
    for warning in found.warnings:
        typer.echo(warning)
    rows = [("relation", "in words", "such as")]
    for id_, words in role_relations(network):
        examples = [one.id for one in find_entities(network, id_, "", limit=3)]
        rows.append((id_, words, ", ".join(examples)))
    print_table(rows)
    print_table([("type", "in words"), *((one.id, one.text) for one in found.network.types)])


@commands.command()
def find(
    network: NetworkId,
    text: Annotated[str, typer.Argument(help="Part of a name, synonym or id, or a SMILES.")],
    relation: Annotated[
        str, typer.Option(help="Find what this relation links drugs to, instead of drugs.")
    ] = "",
) -> None:
    """Find drugs by name, synonym, id or structure, or what facts can be about."""
    from core.serving.drug_interaction import find_drug, find_entities

    rows = [("id", "name", "")]
    if relation:
        rows += [(one.id, one.name, one.kind) for one in find_entities(network, relation, text)]
    else:
        for drug in find_drug(network, text):
            remarks = [drug.how, drug.matched, "new to the model" * drug.is_new]
            rows.append((drug.id, drug.name, ", ".join(filter(None, remarks))))
    if len(rows) == 1:
        typer.echo(f'Nothing in this network fits "{text}".')
        return
    print_table(rows)


@commands.command()
def predict(
    network: NetworkId, drugs: Drugs = None, new: New = "", smiles: Smiles = "",
    fact: Facts = None, facts: FactFile = None, second_new: SecondNew = "",
    second_smiles: SecondSmiles = "", second_fact: SecondFacts = None, edit: Edits = None,
    top: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 10,
) -> None:  # fmt: skip
    """Rank the types of interaction of two drugs, with probabilities."""
    from core.serving.drug_interaction import answer

    compounds = (
        _compound(network, new, smiles, fact, facts),
        _compound(network, second_new, second_smiles, second_fact),
    )
    found = answer(_query(network, drugs, compounds, edit))
    typer.echo(f"{found.first_name} and {found.second_name}")
    _print_rows(found, top)
    typer.echo(
        f"{found.set_size} of {len(found.rows)} are in the set; such sets held the right type of "
        f"{found.coverage:.0%} of the test pairs."
    )
    typer.echo(f"{found.setting}: {found.setting_note}")
    for notice in found.notices:
        typer.echo(f"{notice.code} · {notice.title}. {notice.text}")
    for warning in found.warnings:
        typer.echo(warning)
    typer.echo(
        f"{found.num_paths_edges:,} facts on paths between the drugs; {found.model} on "
        f"{found.provider}, {found.seconds * 1000:.0f} ms"
    )


@commands.command()
def explain(
    network: NetworkId, drugs: Drugs = None,
    type_id: Annotated[
        str, typer.Option("--type", help="Type of interaction; the first row when empty.")
    ] = "",
    row: Annotated[
        int, typer.Option(min=1, help="Row of `predict`, or of those of the type.")
    ] = 1,
    new: New = "", smiles: Smiles = "", fact: Facts = None, facts: FactFile = None,
    second_new: SecondNew = "", second_smiles: SecondSmiles = "",
    second_fact: SecondFacts = None, edit: Edits = None,
    ranking: Annotated[
        Ranking, typer.Option(help="How facts and paths are chosen.")
    ] = Ranking.OCCLUSION,
    seed: Annotated[int, typer.Option(help="Seed of the random look-alikes.")] = 0,
) -> None:  # fmt: skip
    """Show what a prediction rests on, and test it live: verdict and minimal evidence."""
    from core.serving import ddi_evidence
    from core.serving.drug_interaction import answer, open_case

    compounds = (
        _compound(network, new, smiles, fact, facts),
        _compound(network, second_new, second_smiles, second_fact),
    )
    query = _query(network, drugs, compounds, edit)
    chosen = _choose(answer(query), type_id, row)
    names = tuple(end.name for end in open_case(query).ends_of(chosen))
    found = ddi_evidence.explain(query, chosen, ranking=ranking.value)
    typer.echo(f"{chosen.sentence} Probability {chosen.probability:.4f}, {chosen.status}.")
    typer.echo(
        f"The path network alone, given who acts on whom: {found.score:.4f}, without any fact "
        f"{found.empty:.4f}; {found.num_paths:,} paths over {found.num_facts:,} facts. This score "
        "is what the evidence is measured by."
    )
    if found.notice:
        typer.echo(found.notice)
    _print_evidence(found)
    _print_shared(found, names)
    _print_similar(found, names)
    if found.num_paths:
        _print_check(query, chosen, found, seed)


@commands.command()
def scan(
    network: NetworkId,
    drug: Annotated[str, typer.Argument(help="Id, name or synonym; none for a compound.")] = "",
    new: New = "", smiles: Smiles = "", fact: Facts = None, facts: FactFile = None,
    top: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 20,
    csv: Annotated[Path | None, typer.Option(help="File to write the whole table to.")] = None,
) -> None:  # fmt: skip
    """Predict one drug against all others of the network, surest first."""
    from core.render.tables import to_safe_csv
    from core.serving.ddi_scan import scan as scan_all

    compound = _compound(network, new, smiles, fact, facts)
    if csv is not None and not csv.absolute().parent.is_dir():
        raise DataError(f"There is no folder {csv.absolute().parent}.")
    (one,) = _sides([drug] if drug else [], [compound])
    table = scan_all(one, network)
    rows = [("#", "probability", "set", "status", "interaction")]
    for number, row in enumerate(table.rows[:top], start=1):
        guess = "" if row.joined else " (guess)"
        rows.append(
            (str(number), f"{row.probability:.4f}", str(row.set_size), row.status,
             f"{row.sentence}{guess}")
        )  # fmt: skip
    print_table(rows)
    for warning in table.warnings:
        typer.echo(warning)
    typer.echo(f"{table.drug_name} against {len(table.rows):,} drugs; {', '.join(table.model)}")
    if csv is not None:
        text = to_safe_csv(table.cells, table.columns)
        csv.write_text(text, encoding="utf-8", newline="")
        typer.echo(f"{csv}: {len(table.rows):,} rows")


@commands.command()
def regimen(
    network: NetworkId, drugs: Drugs = None, new: New = "", smiles: Smiles = "",
    fact: Facts = None, facts: FactFile = None,
) -> None:  # fmt: skip
    """Predict every pair of 2 to 12 drugs taken together, surest first."""
    from core.serving.ddi_scan import regimen as predict_all

    compound = _compound(network, new, smiles, fact, facts)
    found = predict_all(network, [*([compound] if compound else []), *(drugs or [])])
    rows = [("pair", "probability", "set", "status", "interaction")]
    pairs = [answer for _, _, answer in found.pairs]
    for answer in sorted(pairs, key=lambda one: -one.rows[0].probability):
        first, guess = answer.rows[0], "" if answer.joined else " (guess)"
        rows.append(
            (f"{answer.first_name} + {answer.second_name}", f"{first.probability:.4f}",
             str(answer.set_size), first.status, f"{first.sentence}{guess}")
        )  # fmt: skip
    print_table(rows)


@commands.command()
def upload(
    drugs: Annotated[Path, typer.Argument(help="Table: id, name, SMILES.")],
    facts: Annotated[Path, typer.Argument(help="Table: head, relation, tail.")],
    interactions: Annotated[
        Path | None, typer.Argument(help="Table: drug1, type, drug2; may be left out.")
    ] = None,
) -> None:
    """Keep your own drug network on this server and print the id under which it can be asked."""
    from core.serving import ddi_networks as networks

    files = [_read(path) for path in (drugs, facts, interactions) if path is not None]
    key = networks.keep_network(*files)
    own = networks.own_network(key)
    typer.echo(f"{networks.UPLOAD}{key}\n{own.summary}")
    for table, problems in own.problems.items():
        _print_problems(f"{table}, ", problems)
    entry = networks.find_network(f"{networks.UPLOAD}{key}")
    if not entry.available:
        hint = f"`python -m core train {entry.id} --method emergnn`"
        typer.echo(f"{entry.reason} {hint if len(own.interactions) else 'It needs interactions.'}")


# --- what is asked ---------------------------------------------------------------------------


def _query(
    network: str,
    drugs: Sequence[str] | None,
    compounds: Sequence["NewDrug | None"],
    edits: Sequence[str] | None,
) -> "Query":
    from core.serving.drug_interaction import Query

    first, second = _sides(drugs or [], compounds)
    removed, added = _changes(edits or [])
    return Query(network, first, second, removed, added)


def _sides(drugs: Sequence[str], compounds: Sequence["NewDrug | None"]) -> "list[str | NewDrug]":
    """New compounds in their places, the drugs of the network in the others."""
    missing = sum(one is None for one in compounds)
    if len(drugs) != missing:
        raise InputError(
            "DD-E01",
            "Choose two different drugs" if len(compounds) > 1 else "Choose one drug",
            f"Of the network's drugs {len(drugs)} named, {missing} needed.",
            "A new compound takes the place of a drug.",
        )
    named = iter(drugs)
    return [next(named) if one is None else one for one in compounds]


def _compound(
    network: str, name: str, smiles: str, facts: Sequence[str] | None, table: Path | None = None
) -> "NewDrug | None":
    """The new compound described by options, None when there is none."""
    from core.serving.drug_interaction import NewDrug, read_facts

    if not (name or smiles or facts or table):
        return None
    known = [_read_fact(text) for text in facts or ()]
    if table is not None:
        found, problems = read_facts(network, *_read(table))
        known += found
        _print_problems("", problems)
    return NewDrug(name or "New compound", smiles, tuple(dict.fromkeys(known)))


def _read_fact(text: str) -> tuple[str, str]:
    relation, _, entity = text.partition("=")
    if not relation.strip() or not entity.strip():
        raise InputError(
            "DD-E04", "Fact not read", f'"{text}" is not a fact.', "Write RELATION=ENTITY."
        )
    return relation.strip(), entity.strip()


def _changes(edits: Sequence[str]) -> "tuple[tuple[Fact, ...], tuple[Fact, ...]]":
    """Facts that are left out and facts that are supposed."""
    found: dict[str, list[Fact]] = {"remove": [], "add": []}
    for text in edits:
        parts = text.split("|")
        if len(parts) != 4 or parts[0] not in found:
            raise InputError(
                "KG-E08", "Fact not changed", f'"{text}" is not a change.',
                'Write "remove|HEAD|RELATION|TAIL" or "add|HEAD|RELATION|TAIL".',
            )  # fmt: skip
        found[parts[0]].append((parts[1], parts[2], parts[3]))
    return tuple(found["remove"]), tuple(found["add"])


def _choose(found: "Answer", type_id: str, number: int) -> "Row":
    """A row of an answer by type and position."""
    rows = [row for row in found.rows if type_id in ("", row.type_id)]
    if not rows:
        known = [row.type_id for row in found.rows]
        raise UnknownName(
            "DD-E04", "Unknown type", type_id, known, kind="this network",
            hint="Take one from the list of `predict`.",
        )  # fmt: skip
    if number > len(rows):
        raise InputError(
            "DD-E04", "No such row", f"There are {len(rows)} rows, not {number}.",
            "Take one from the list of `predict`.",
        )  # fmt: skip
    return rows[number - 1]


def _read(path: Path) -> tuple[str, bytes]:
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    return path.name, path.read_bytes()


# --- what is printed -------------------------------------------------------------------------


def _print_rows(found: "Answer", top: int) -> None:
    print_table(
        [("#", "probability", "network alone", "similar", "set", "status", "type", "interaction")]
        + [
            (str(number), f"{row.probability:.4f}", f"{row.path_probability:.4f}",
             f"{row.vote_share:.0%}", "in" if row.in_set else "", row.status, row.type_id,
             row.sentence)
            for number, row in enumerate(found.rows[:top], start=1)
        ]
    )  # fmt: skip


def _print_part(rows: list[tuple[str, ...]]) -> None:
    """A table after an empty line."""
    typer.echo()
    print_table(rows)


def _print_evidence(found: "Explanation") -> None:
    """Facts, nodes, paths and their kinds; nothing where there are none."""
    if not found.num_paths:
        return
    rows = [("fall", "attention", "fact to remove", "in words")]
    for item in found.facts:
        rows.append(
            (f"{item.deletion:+.4f}", f"{item.attention:.3f}", "|".join(item.ids), item.sentence)
        )
    _print_part(rows)
    for title, nodes in found.ranked:
        rows = [(title.lower(), "kind", "paths", "fall of log-odds", "without", "only")]
        for node in nodes[:SHOWN]:
            rows.append(
                (node.name, node.kind, f"{node.num_paths:,}", f"{node.fall:+.3f}",
                 f"{node.without:.4f}", f"{node.only:.4f}")
            )  # fmt: skip
        _print_part(rows)
    rows = [("only", "without", "attention", "path")]
    for path in found.paths[:SHOWN]:
        rows.append(
            (f"{path.only:.4f}", f"{path.without:.4f}", f"{path.attention:.3f}", path.sentence)
        )
    _print_part(rows)
    rows = [("paths", "fall of log-odds", "only", "kind of path")]
    for kind in found.kinds[:SHOWN]:
        rows.append((f"{kind.num_paths:,}", f"{kind.fall:+.3f}", f"{kind.only:.4f}", kind.text))
    _print_part(rows)


def _print_shared(found: "Explanation", names: tuple[str, ...]) -> None:
    if not found.shared:
        typer.echo("\nThe network states nothing that both drugs are linked to.")
        return

    def roles(side: "Sequence[SharedRole]") -> str:
        words = dict.fromkeys(
            f"{one.note.text or one.relation} ({one.note.source})" for one in side
        )
        return "; ".join(words)

    rows = [("shared", "kind", *names, "fall of log-odds")]
    for one in found.shared[:SHOWN]:
        fall = "–" if one.fall is None else f"{one.fall:+.3f}"
        rows.append((one.name, one.kind, roles(one.first), roles(one.second), fall))
    _print_part(rows)


def _print_similar(found: "Explanation", names: tuple[str, ...]) -> None:
    if not found.similar:
        typer.echo("\nNo known interaction of this type is between drugs that resemble these two.")
        return
    rows = [("share", f"like {names[0]}", f"like {names[1]}", "known interaction")]
    for one in found.similar:
        rows.append(
            (f"{one.share:.0%}", f"{one.head_similarity:.2f}", f"{one.tail_similarity:.2f}",
             one.sentence)
        )  # fmt: skip
    _print_part(rows)


def _print_check(query: "Query", row: "Row", found: "Explanation", seed: int) -> None:
    """The live check and the smallest part of the evidence that is enough."""
    from core.serving import ddi_evidence

    facts = [item.fact for item in found.facts]
    check = ddi_evidence.check(query, row, found.items, seed=seed)
    minimal = ddi_evidence.minimise(query, row, facts)
    typer.echo()
    print_check(check)
    typer.echo(f"{check.verdict}: {ddi_evidence.verdict_text(found, check)}")
    if not minimal.reached:
        typer.echo(f"These {len(facts)} facts alone are not enough.")
        return
    typer.echo(f"{len(minimal.items)} of {len(facts)} facts are enough:")
    sentences = {item.fact: item.sentence for item in found.facts}
    for fact in minimal.items:
        typer.echo(f"  {sentences[fact]}")


def _print_problems(place: str, problems: "Sequence[RowProblem]") -> None:
    """Rows of a file that were left out, on stderr."""
    for problem in problems[:MAX_PROBLEMS]:
        typer.echo(f"{place}line {problem.line} left out: {problem.problem}", err=True)
    if len(problems) > MAX_PROBLEMS:
        typer.echo(f"{place}{len(problems) - MAX_PROBLEMS} more lines left out", err=True)
