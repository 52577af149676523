"""Answers about graphs: predict, explain, check, audit, upload."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_check, print_table
from core.errors import DataError

if TYPE_CHECKING:
    from core.serving.kg_question import Query

commands = typer.Typer()


GraphId = Annotated[
    str, typer.Argument(help="royals, umls, planted, a benchmark, or the id of an upload.")
]
EntityName = Annotated[str, typer.Argument(help="Id or name of the given entity.")]
RelationName = Annotated[str, typer.Argument(help="Id or name of the relation.")]
AnswerName = Annotated[str, typer.Argument(help="Id or name of the answer to explain.")]
Inverse = Annotated[bool, typer.Option("--inverse", help="Ask (?, relation, entity).")]
ModelName = Annotated[str, typer.Option(help="Artifact, or rules; the graph's own when empty.")]
Edits = Annotated[
    list[str] | None,
    typer.Option("--edit", help='Change a fact first: "remove|HEAD|RELATION|TAIL" or "add|…".'),
]
Ranking = Annotated[str, typer.Option(help="How evidence is chosen: deletion or attention.")]


@commands.command()
def predict(
    graph: GraphId, entity: EntityName, relation: RelationName, inverse: Inverse = False,
    top: Annotated[int, typer.Option(min=1, help="Answers shown.")] = 10,
    known: Annotated[bool, typer.Option("--known", help="List facts of the graph too.")] = False,
    model: ModelName = "", edit: Edits = None,
) -> None:  # fmt: skip
    """Rank the answers of a question about a graph."""
    from core.serving.kg_reasoning import answer

    query = _query(graph, entity, relation, inverse, model, edit, top, not known)
    found = answer(query)
    typer.echo(found.question)
    print_table(
        [("#", "score", "status", "id", "name")]
        + [
            (f"{row.rank:g}", f"{row.score:.4f}", row.status, row.entity, row.name)
            for row in found.rows
        ]
    )
    typer.echo(
        f"{found.num_reached:,} of {found.num_candidates:,} entities within reach; "
        f"{found.model} on {found.provider}, {found.seconds * 1000:.0f} ms"
    )


@commands.command()
def explain(
    graph: GraphId, entity: EntityName, relation: RelationName, answer: AnswerName,
    inverse: Inverse = False, ranking: Ranking = "deletion", model: ModelName = "",
    edit: Edits = None,
) -> None:  # fmt: skip
    """Show the facts and paths an answer rests on."""
    from core.serving import kg_reasoning as kg
    from core.serving.kg_question import fact_text, reasoner

    query = _query(graph, entity, relation, inverse, model, edit)
    facts, engine = reasoner(query).graph, reasoner(query).engine
    found = kg.explain(query, facts.entities[facts.find_entity(answer)], ranking=ranking)
    rows = [("hop", "deletion", "flow", engine.noun[0])]
    for item in found.facts:
        text = fact_text(engine.items, item.fact)
        rows.append((str(item.hop), f"{item.deletion:+.4f}", f"{item.flow:.4f}", text))
    print_table(rows)
    for walk in found.walks:
        counted = f"{walk.count.support} of {walk.count.body}" + " (sampled)" * walk.count.sampled
        typer.echo(f"{walk.only:.4f} alone  {walk.rule}  holds {counted}")


@commands.command()
def check(
    graph: GraphId, entity: EntityName, relation: RelationName, answer: AnswerName,
    inverse: Inverse = False, ranking: Ranking = "deletion", model: ModelName = "",
    edit: Edits = None,
    seed: Annotated[int, typer.Option(help="Seed of the random look-alikes.")] = 0,
) -> None:  # fmt: skip
    """Test the evidence of an answer: with all, without it, with only it, and look-alikes."""
    from core.serving import kg_reasoning as kg
    from core.serving.kg_question import reasoner

    query = _query(graph, entity, relation, inverse, model, edit)
    facts, (_, several) = reasoner(query).graph, reasoner(query).engine.noun
    target = facts.entities[facts.find_entity(answer)]
    evidence = kg.explain(query, target, ranking=ranking)
    found = kg.check(query, target, evidence.items, seed=seed)
    minimal = kg.minimise(query, target, [item.fact for item in evidence.facts])
    print_check(found)
    typer.echo(f"{found.verdict}: {found.sentence}")
    typer.echo(f"{len(minimal.items)} of {len(evidence.facts)} {several} are enough.")


@commands.command()
def audit(
    graph: GraphId,
    num: Annotated[int, typer.Option(min=1, help="Held-out questions to sample.")] = 200,
    model: ModelName = "",
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
) -> None:
    """Measure how often the evidence of right held-out answers is SUPPORTED."""
    from core.serving.audit import audit as run_audit
    from core.serving.audit import audit_planted

    rows = [("evidence by", "asked", "right", "SUPPORTED", "PARTLY", "NOT SUPPORTED", "facts")]
    for ranking in ("deletion", "attention"):
        found = run_audit(graph, ranking=ranking, num=num, seed=seed, model=model)
        shares = [f"{found.share(verdict):.1%}" for verdict in rows[0][3:6]]
        rows.append(
            (ranking, str(found.num_asked), str(found.num_right), *shares,
             f"{found.mean_facts:.1f}")
        )  # fmt: skip
    print_table(rows)
    if graph == "planted":
        known = audit_planted()
        typer.echo(
            f"{known.num} questions with a known reason: the reason is SUPPORTED in "
            f"{known.evidence_supported:.1%}, a decoy is NOT SUPPORTED in "
            f"{known.decoy_refused:.1%}, minimal evidence is the reason in "
            f"{known.minimal_is_proof:.1%}."
        )


@commands.command()
def upload(
    file: Annotated[Path, typer.Argument(help="A graph: table, N-Triples, GraphML, CX2.")],
) -> None:
    """Keep a graph file on this server and print the id under which it can be asked."""
    from core.serving.graphs import find_graph, keep_upload

    if not file.is_file():
        raise DataError(f"There is no file {file}.")
    key = keep_upload(file.name, file.read_bytes(), None)
    typer.echo(f"{key}\n{find_graph(key).load()}")


def _query(
    graph: str, entity: str, relation: str, inverse: bool, model: str,
    edits: list[str] | None, top: int = 10, hide_known: bool = True,
) -> "Query":  # fmt: skip
    from core.errors import InputError
    from core.serving.graphs import find_graph
    from core.serving.kg_question import Edit, Query

    facts = find_graph(graph).load()
    changes = []
    for text in edits or []:
        parts = text.split("|")
        if len(parts) != 4 or parts[0] not in ("add", "remove"):
            raise InputError(
                "KG-E08", "Fact not changed", f'"{text}" is not a change.',
                'Write "remove|HEAD|RELATION|TAIL" or "add|HEAD|RELATION|TAIL".',
            )  # fmt: skip
        changes.append(
            Edit(parts[0], facts.entities[facts.find_entity(parts[1])],
                 facts.relations[facts.find_relation(parts[2])],
                 facts.entities[facts.find_entity(parts[3])])
        )  # fmt: skip
    return Query(
        graph, facts.entities[facts.find_entity(entity)] if entity.strip() else "",
        facts.relations[facts.find_relation(relation)] if relation.strip() else "",
        inverse, top, hide_known, model, tuple(changes),
    )  # fmt: skip
