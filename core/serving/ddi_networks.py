"""Networks of drugs that can be asked about interactions, and everything an answer needs of them.

The graph of an answer holds the biomedical network and the interactions of the *training* part.
Drugs that are not in that part are truly new to the model; their interactions are known to the
data set, but never seen by the model ("held out").

Facts are numbered: edge e of the network is number e, training interaction i is number
len(edges) + i, facts that belong to one question follow (`core.serving.drug_interaction`).

Notation: D drugs, N entities, T interaction types, K relations, R = T + K.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache

import numpy as np

from core.chemistry import NUM_BITS, check
from core.chemistry.structure import CountTable, many_morgan_bits, many_morgan_counts
from core.data import registry
from core.data.interaction_uploads import File, OwnNetwork, read_own_network
from core.data.interactions import Role, load_network, load_roles, load_split
from core.data.resemblance import with_resemblance
from core.data.starter_network import load_starter
from core.errors import ArtifactError, InputError
from core.knowledge.calibration import PredictionSets, softmax
from core.knowledge.flow import FlowGraph, count_interactions
from core.knowledge.interaction_scores import combine, order_probabilities
from core.knowledge.interactions import DrugNetwork, InteractionSplit
from core.knowledge.similar_drugs import SimilarDrugVote, tanimoto
from core.serving.artifact import Artifact, load_artifact
from core.serving.flow import FlowModel
from core.settings import settings
from core.store import Store, UploadRecord

UPLOAD = "upload:"  # before the id of a person's own network
UPLOAD_KIND = "drug-network"
DATA_SETS = ("drugbank", "drugbank-random", "drug-roles")
SETTINGS = ("S1", "S2")
EXPONENT = 4.0  # of the Tanimoto coefficient in the vote, unless the model says otherwise
RESEMBLES = ("CrC", "resembles")  # ids of a network's own relation between similar structures

Interaction = tuple[int, int, int]


@dataclass(frozen=True)
class NetworkEntry:
    """A network in the list of a page.

    Attributes:
        id: ``starter``, ``drugbank`` or ``upload:<id>``.
        title: for people.
        source: one line: where it comes from, on which terms.
        available: whether it can be asked now.
        reason: why it cannot, and what to do; empty when it can.
        num_drugs: D.
        num_types: T; 0 when it is not known before the model is there.
        example: ids of two drugs to begin with; empty strings when there is none.
    """

    id: str
    title: str
    source: str
    available: bool
    reason: str
    num_drugs: int
    num_types: int
    example: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Model:
    """EmerGNN+ of one setting: path network and similar-drug vote, calibrated.

    Attributes:
        artifact: verified folder.
    """

    artifact: Artifact

    @property
    def setting(self) -> str:
        """The setting it was trained for."""
        return self.artifact.knowledge["setting"]

    @cached_property
    def flow(self) -> FlowModel:
        """The path network alone, with its own temperature."""
        return FlowModel(self.artifact.session, self.artifact.knowledge["temperature"])

    @cached_property
    def sets(self) -> PredictionSets:
        """Threshold of the sets of types."""
        return PredictionSets.from_json(self.artifact.knowledge["sets"])

    @property
    def exponent(self) -> float:
        """Power of the Tanimoto coefficient in the vote."""
        return self.artifact.knowledge["plus"]["exponent"]

    def path_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(n, T) of the path network alone, given the order."""
        return softmax(logits / self.flow.temperature)

    def probabilities(self, logits: np.ndarray, votes: np.ndarray) -> np.ndarray:
        """(n, T) of everything together, given the order."""
        return softmax(combine(self.artifact.knowledge["plus"], logits, votes))

    def order_probabilities(
        self, logits: np.ndarray, votes: np.ndarray, directed: np.ndarray
    ) -> np.ndarray:
        """(2, ...) of (2, ..., T); see `core.knowledge.interaction_scores`."""
        weights = self.artifact.knowledge["plus"]["order"]
        return order_probabilities(weights, logits, votes, directed)


@dataclass(frozen=True, eq=False)
class Context:
    """A network ready to be asked. Heavy; see `context`.

    Attributes:
        id: of the network.
        network: drugs, types, relations and edges, those computed from structures included; its
            edges begin with those of `split.network`.
        split: which interactions the model may see.
        graph: network and training interactions; facts are numbered as the module says.
        bits: (D, 1024) uint8 fingerprints; rows of zeros for drugs without a structure.
        counts: count fingerprints of the same drugs.
        vote: similar-drug vote of the training interactions.
        synonyms: case-folded id, name or synonym to the row of the drug.
        model_names: artifact by setting.
        warnings: what a person should know about this network.
    """

    id: str
    network: DrugNetwork
    split: InteractionSplit
    graph: FlowGraph
    bits: np.ndarray
    counts: CountTable
    vote: SimilarDrugVote
    synonyms: Mapping[str, int]
    model_names: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @cached_property
    def history(self) -> np.ndarray:
        """(D,) training interactions of each drug."""
        return count_interactions(self.split.train, self.network.num_drugs)

    @cached_property
    def models(self) -> dict[str, Model]:
        """Models by the setting they were trained for; at least one.

        Raises:
            ArtifactError: there is none, or it was trained on another vocabulary.
        """
        found = {}
        for setting, name in self.model_names.items():
            artifact = _find_artifact(name)
            if artifact is not None:
                _check_fits(artifact, self.network)
                found[setting] = Model(artifact)
        if not found:
            raise ArtifactError(
                f"There is no trained model for the network {self.id!r} "
                f"({' or '.join(self.model_names.values())}). Train it, or restore the folder from "
                "the release."
            )
        return found

    def model_for(self, setting: str) -> Model:
        """The model that answers a setting: its own, else the one there is; S0 asks S1's."""
        wanted = "S2" if setting == "S2" else "S1"
        return self.models.get(wanted) or next(iter(self.models.values()))

    def vote_for(self, model: Model) -> SimilarDrugVote:
        """The vote with a model's exponent."""
        return with_exponent(self.vote, model.exponent)

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """Roles of proteins with their references; DrugBank only, others hold them as edges."""
        return tuple(load_roles(self.network)) if self.id == "drugbank" else ()

    @property
    def known_drugs(self) -> np.ndarray:
        """(D,) bool, drugs with interactions the model may see."""
        return self.vote.known

    @cached_property
    def resembles(self) -> int | None:
        """Row of the network's own relation between similar structures, None without one."""
        ids = [relation.id for relation in self.split.network.relations]
        return next((ids.index(one) for one in RESEMBLES if one in ids), None)

    @property
    def grades(self) -> range:
        """Rows of the relations of `core.data.resemblance`, by grade; empty without them."""
        return range(self.split.network.num_relations, self.network.num_relations)

    @cached_property
    def by_structure(self) -> np.ndarray:
        """(R,) bool, relations that follow from structures alone."""
        found = np.zeros(self.graph.num_relations, dtype=bool)
        rows = [*self.grades, *([] if self.resembles is None else [self.resembles])]
        found[np.array(rows, dtype=np.int64) + self.network.num_types] = True
        return found

    @cached_property
    def drug_is_tail(self) -> np.ndarray:
        """(K,) bool, relations whose edges lead *to* drugs, such as "class includes drug"."""
        edges, d = self.network.edges, self.network.num_drugs
        kinds = self.network.num_relations
        heads, tails = (
            np.bincount(edges[edges[:, column] < d, 1], minlength=kinds) for column in (0, 2)
        )
        return tails > heads

    @cached_property
    def useful(self) -> np.ndarray:
        """(N,) bool, drugs and entities next to a drug: edges among them are in the graph."""
        edges, d = self.network.edges, self.network.num_drugs
        found = np.arange(self.network.num_entities) < d
        touching = (edges[:, 0] < d) | (edges[:, 2] < d)
        found[edges[touching][:, [0, 2]].ravel()] = True
        return found

    @cached_property
    def entity_index(self) -> dict[str, int]:
        """Ids, names and ids without their kind of all entities, case-folded, to rows."""
        found = dict(self.synonyms)
        ids = [one.casefold() for one in self.network.entities]
        names = [one.casefold() for one in self.network.entity_names]
        for texts in (ids, names, [one.rpartition("::")[2] for one in ids]):
            for row, text in enumerate(texts):
                found.setdefault(text, row)
        return found

    def label(self, row: int) -> str:
        """Id of a drug as people write it."""
        return self.network.entities[row].rpartition("::")[2]

    def fact(self, number: int) -> Interaction:
        """Head row, relation row in 0..R-1 and tail row of a numbered fact."""
        edges = self.network.edges
        if number < len(edges):
            head, relation, tail = map(int, edges[number])
            return head, relation + self.network.num_types, tail
        head, kind, tail = map(int, self.split.train[number - len(edges)])
        return head, kind, tail

    def fact_number(self, fact: Interaction) -> int | None:
        """Number of a fact given in rows as `fact` returns it, None when there is none."""
        order, keys = self._fact_keys
        key = self._key(np.array([fact]))[0]
        place = int(np.searchsorted(keys, key))
        return int(order[place]) if place < len(keys) and keys[place] == key else None

    @cached_property
    def _fact_keys(self) -> tuple[np.ndarray, np.ndarray]:
        moved = self.network.edges + np.array([0, self.network.num_types, 0])
        keys = self._key(np.concatenate([moved, self.split.train]))
        order = np.argsort(keys, kind="stable")
        return order, keys[order]

    def _key(self, facts: np.ndarray) -> np.ndarray:
        head, relation, tail = facts.T
        return (head * self.graph.num_relations + relation) * self.network.num_entities + tail

    def interactions_between(self, head: int, tail: int) -> list[tuple[int, str]]:
        """Type row and status of each interaction of an ordered pair.

        Status is ``known`` when the model may see it, else ``held out``.
        """
        keys, rows, held_out = self._pairs
        key = head * self.network.num_drugs + tail
        low, high = np.searchsorted(keys, [key, key + 1])
        return [
            (int(kind), "held out" if hidden else "known")
            for kind, hidden in zip(rows[low:high], held_out[low:high], strict=True)
        ]

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ordered pairs (n,) ascending, their types (n,), and (n,) bool: held out."""
        hidden = [part for part in self.split.parts.values() if len(part)]
        rows = np.concatenate([self.split.train, *hidden])
        later = np.arange(len(rows)) >= len(self.split.train)
        rows, first = np.unique(rows, axis=0, return_index=True)  # a training row comes first
        keys = rows[:, 0] * self.network.num_drugs + rows[:, 2]
        order = np.argsort(keys, kind="stable")
        return keys[order], rows[order, 1], later[first[order]]


def list_networks(uploads: Sequence[str] = ()) -> list[NetworkEntry]:
    """The networks a page offers.

    Args:
        uploads: ids from `keep_network`, without ``upload:``; others' uploads are never listed.
    """
    return [_starter_entry(), _drugbank_entry(), *(_upload_entry(one) for one in uploads)]


def find_network(network_id: str) -> NetworkEntry:
    """One entry.

    Raises:
        InputError: DD-E02, there is no such network.
    """
    if network_id.startswith(UPLOAD):
        return _upload_entry(network_id.removeprefix(UPLOAD))
    for entry in list_networks():
        if entry.id == network_id:
            return entry
    raise _unknown_network()


def context(network_id: str) -> Context:
    """The network with everything an answer needs; cached.

    Raises:
        InputError: DD-E02, there is no such network.
        DataError: its files are neither here nor within reach.
    """
    return _context(network_id)


def keep_network(drugs: File, facts: File, interactions: File | None = None) -> str:
    """Store a person's own network after reading it; returns its id without ``upload:``.

    Raises:
        InputError: UP-E01 to UP-E09, KG-E06; see `core.data.interaction_uploads`.
    """
    own = read_own_network(drugs, facts, interactions)
    tables = [drugs, facts, *([interactions] if interactions else [])]
    content = json.dumps([[name, text.decode("latin-1")] for name, text in tables]).encode()
    summary = {
        "num_drugs": own.network.num_drugs,
        "num_types": own.network.num_types,
        "num_facts": len(own.network.edges),
        "num_interactions": len(own.interactions),
        "text": own.summary,
    }
    return Store.open().save_upload(
        name=drugs[0], content=content, kind=UPLOAD_KIND, summary=summary
    )


def own_network(upload_id: str) -> OwnNetwork:
    """A stored network, read again; its structures passed the chemistry workers.

    A structure that cannot be read becomes an empty string.

    Raises:
        InputError: DD-E02, there is no such upload.
    """
    return _own_network(upload_id)[0]


@lru_cache(maxsize=4)
def _own_network(upload_id: str) -> tuple[OwnNetwork, tuple[str, ...]]:
    """The network and what is wrong with its structures."""
    upload = _find_upload(upload_id)
    tables = [
        (name, text.encode("latin-1"))
        for name, text in json.loads(upload.path.read_text(encoding="utf-8"))
    ]
    own = read_own_network(*tables, name=f"{UPLOAD}{upload_id}")
    smiles, warnings = [], []
    for name, text in zip(own.network.entity_names, own.network.smiles, strict=False):
        try:
            smiles.append(check(text).smiles if text else "")
        except InputError as error:
            smiles.append("")
            warnings.append(f"{name} is used without a structure: {error}")
    return replace(own, network=replace(own.network, smiles=tuple(smiles))), tuple(warnings)


def artifact_names(network_id: str) -> dict[str, str]:
    """Artifact of each setting; those of an upload hold too little of its id to open it."""
    stem = network_id.removeprefix(UPLOAD)[:8] if network_id.startswith(UPLOAD) else network_id
    return {setting: f"emergnn-{stem}-{setting.lower()}" for setting in SETTINGS}


@lru_cache(maxsize=3)
def _context(network_id: str) -> Context:
    if network_id.startswith(UPLOAD):
        own, warnings = _own_network(network_id.removeprefix(UPLOAD))
        return _build(network_id, own.split, _names_of(own.network), warnings)
    if network_id == "starter":
        starter = load_starter()
        synonyms = {**_names_of(starter.network), **starter.synonyms}
        return _build(network_id, starter.split(), synonyms)
    if network_id == "drugbank":
        network = load_network("drugbank")
        split = load_split("drugbank-random", network)
        return _build(network_id, split, _names_of(network))
    raise _unknown_network()


def _build(
    network_id: str,
    split: InteractionSplit,
    synonyms: Mapping[str, int],
    warnings: tuple[str, ...] = (),
) -> Context:
    names = artifact_names(network_id)
    network = _as_trained(split.network, names)
    bits, counts = _fingerprints(network)
    graph = FlowGraph.prepare(
        network.edges,
        network.num_entities,
        network.num_types,
        network.num_relations,
        network.num_drugs,
    )
    occurs = np.zeros(network.num_drugs, dtype=bool)
    occurs[split.train[:, [0, 2]].ravel()] = True
    return Context(
        network_id,
        network,
        split,
        graph.extended(split.train),
        bits,
        CountTable.of(counts),
        SimilarDrugVote(split.train, tanimoto(bits, bits), occurs, network.num_types, EXPONENT),
        synonyms,
        names,
        warnings,
    )


def _as_trained(network: DrugNetwork, names: Mapping[str, str]) -> DrugNetwork:
    """With the resemblance computed from structures, unless the models were trained without."""
    own = [relation.id for relation in network.relations]
    found = [artifact for artifact in map(_find_artifact, names.values()) if artifact]
    if found and all(artifact.knowledge["relations"] == own for artifact in found):
        return network
    return with_resemblance(network)


def _fingerprints(network: DrugNetwork) -> tuple[np.ndarray, list[Mapping[int, int]]]:
    """Bits (D, 1024) and counts; those of drugs without a structure are empty."""
    rows = [row for row, text in enumerate(network.smiles) if text]
    texts = [network.smiles[row] for row in rows]
    bits = np.zeros((network.num_drugs, NUM_BITS), np.uint8)
    counts: list[Mapping[int, int]] = [{} for _ in network.smiles]
    if rows:
        bits[rows] = many_morgan_bits(texts)
    for row, found in zip(rows, many_morgan_counts(texts), strict=True):
        counts[row] = found
    return bits, counts


def _names_of(network: DrugNetwork) -> dict[str, int]:
    """Ids and names, case-folded; of two drugs with one name the first has it."""
    found: dict[str, int] = {}
    for texts in (network.entities, network.entity_names):
        for row in range(network.num_drugs):
            found.setdefault(texts[row].casefold(), row)
    for row in range(network.num_drugs):
        found.setdefault(network.entities[row].rpartition("::")[2].casefold(), row)
    return found


def _vocabulary(network: DrugNetwork) -> tuple[list[str], list[str]]:
    return [one.id for one in network.types], [one.id for one in network.relations]


def _check_fits(artifact: Artifact, network: DrugNetwork) -> None:
    """Rows of types and relations, and weights, must mean what they meant in training."""
    knowledge = artifact.knowledge
    if "order" not in knowledge["plus"]:
        raise ArtifactError(
            f"{artifact.name} was trained by an earlier version, which weighed network and vote in "
            "another way. Train it again, or restore it from the release."
        )
    if (knowledge["types"], knowledge["relations"]) != _vocabulary(network):
        raise ArtifactError(
            f"{artifact.name} was trained on other interaction types or relations than those of "
            f"the network {network.name!r}. Train it again, or restore both from one release."
        )


def _find_artifact(name: str) -> Artifact | None:
    """A shipped artifact, or one trained here; None when neither is there."""
    for root in (settings().home / "trained", settings().trained):
        if (root / name / "card.json").is_file():
            return load_artifact(name, root)
    return None


def _starter_entry() -> NetworkEntry:
    starter = load_starter()
    network = starter.network
    reason = _missing_model("starter")
    return NetworkEntry(
        "starter",
        "Starter network",
        f"{network.source.title}; {network.source.licence}",
        not reason,
        reason,
        network.num_drugs,
        network.num_types,
        _starter_example(),
    )


@cache
def _starter_example() -> tuple[str, str]:
    """A pair the model never saw: an emerging drug whose metabolism another one slows."""
    starter = load_starter()
    network = starter.network
    kinds = [one.id for one in network.types]
    wanted = kinds.index("metabolism-decreased"), network.rows["CYP2D6"]
    pairs = starter.split().parts["test S1"].tolist()
    through = [
        (head, tail)
        for head, kind, tail in pairs
        if kind == wanted[0] and wanted[1] in starter.rule_reason(head, kind, tail)
    ]
    head, tail = through[0] if through else (pairs[0][0], pairs[0][2])
    return network.entities[head], network.entities[tail]


def _drugbank_entry() -> NetworkEntry:
    sets = [registry.find(name) for name in DATA_SETS]
    reason = ""
    if not all(_is_here(one, file) for one in sets for file in one.files):
        command = f"python -m core data get {' '.join(DATA_SETS)}"
        reason = f'Its data is not here. Get it with "{command}"; mind its licence.'
    reason = reason or _missing_model("drugbank")
    found = [_find_artifact(name) for name in artifact_names("drugbank").values()]
    types = next((len(one.knowledge["types"]) for one in found if one), 0)
    return NetworkEntry(
        "drugbank",
        "DrugBank with Hetionet",
        f"{sets[0].title}; {sets[0].licence}",
        not reason,
        reason,
        sets[0].files[0].num_rows,
        types,
        ("Compound::DB06204", "Compound::DB00757"),  # case 1 of the paper, held out
    )


def _upload_entry(upload_id: str) -> NetworkEntry:
    upload = _find_upload(upload_id)
    network_id = f"{UPLOAD}{upload_id}"
    reason = _missing_model(network_id)
    network = own_network(upload_id).network
    return NetworkEntry(
        network_id,
        upload.name,
        upload.summary["text"],
        not reason,
        reason,
        network.num_drugs,
        network.num_types,
        (network.entities[0], network.entities[1]) if network.num_drugs > 1 else ("", ""),
    )


def _missing_model(network_id: str) -> str:
    """Why a network has no model yet; empty when it has one."""
    names = artifact_names(network_id)
    if any(_find_artifact(name) for name in names.values()):
        return ""
    if network_id.startswith(UPLOAD):
        return "Nothing was trained on it yet. Train EmerGNN on your network."
    return f"No trained model is here ({names['S1']}). Restore it from the release, or train it."


def _is_here(data_set: registry.DataSet, file: registry.DataFile) -> bool:
    mirror = settings().mirror
    mirrored = mirror is not None and bool(file.mirror) and (mirror / file.mirror).is_file()
    return mirrored or (data_set.folder / file.name).is_file()


def _find_upload(upload_id: str) -> UploadRecord:
    upload = Store.open().find_upload(upload_id)
    if upload is None or upload.kind != UPLOAD_KIND:
        raise _unknown_network()
    return upload


def _unknown_network() -> InputError:
    return InputError(
        "DD-E02",
        "Unknown network",
        "This address names a network that is not on this server.",
        "Choose one from the list, or upload it again.",
    )


def with_exponent(vote: SimilarDrugVote, exponent: float) -> SimilarDrugVote:
    """The vote with another exponent; the same object, with what it keeps, when it is the same."""
    return vote if vote.exponent == exponent else replace(vote, exponent=exponent)


def changed_vote(
    vote: SimilarDrugVote, dropped: Sequence[int], added: np.ndarray
) -> SimilarDrugVote:
    """The vote without some interactions and with further ones.

    Args:
        vote: of all training interactions.
        dropped: rows of `vote.facts`.
        added: (n, 3) head, type, tail; their drugs count as known afterwards.
    """
    known = vote.known.copy()
    known[added[:, [0, 2]].ravel()] = True
    facts = np.concatenate([np.delete(vote.facts, dropped, axis=0), added])
    return replace(vote, facts=facts, known=known)
