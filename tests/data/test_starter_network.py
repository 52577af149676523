"""The starter network: facts that contradict none of each other, labels that follow from them."""

import csv
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.Chem.rdMolDescriptors import CalcMolFormula
from rdkit.DataStructs import DiceSimilarity

from core.data import starter_network
from core.data.starter_network import (
    INTERACTION_TYPES,
    NOT_BY_RULE,
    RELATIONS,
    RULES,
    load_drugs,
    load_starter,
)

GENERAL_DOCUMENTS = ("FDA, ", "FDA Drug Safety Communication: ", "FDA-approved prescribing ")


def table(name):
    path = Path(starter_network.__file__).with_name("starter") / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def starter():
    return load_starter()


@pytest.fixture(scope="module")
def labels(starter):
    """(drug id, type id, drug id) to the ids of the reasons."""
    network = starter.network
    return {
        (network.entities[h], network.types[r].id, network.entities[t]): {
            network.entities[row] for row in starter.rule_reason(h, r, t)
        }
        for h, r, t in starter.interactions.tolist()
    }


# --- the tables


def test_size(starter):
    network = starter.network
    assert network.name == "starter"
    assert network.num_drugs >= 200
    assert Counter(network.kinds)["Gene"] >= 80
    assert Counter(network.kinds)["Effect"] >= 14
    relations = Counter(RELATIONS[r].id for r in network.edges[:, 1].tolist())
    assert set(relations) == {relation.id for relation in RELATIONS}
    assert sum(relations.values()) - relations["class"] - relations["similar-structure"] >= 750
    assert 3000 <= len(starter.interactions) <= 5000


def test_structures_agree_with_the_formulas():
    for drug in load_drugs():
        molecule = Chem.MolFromSmiles(drug.smiles)
        assert molecule is not None, drug.id
        assert CalcMolFormula(molecule) == drug.formula, drug.id


def test_ids_names_and_structures_are_unique():
    drugs = load_drugs()
    assert [drug.id for drug in drugs] == sorted({drug.id for drug in drugs})
    assert all(drug.drug_class and drug.name for drug in drugs)
    assert len({Chem.CanonSmiles(drug.smiles) for drug in drugs}) == len(drugs)
    names = Counter(name.casefold() for drug in drugs for name in {drug.name, *drug.synonyms})
    assert max(names.values()) == 1, names.most_common(3)


@pytest.mark.parametrize(
    ("drug", "labels"),
    [
        ("escitalopram", "S"),
        ("esomeprazole", "S"),
        ("levofloxacin", "S"),
        ("duloxetine", "S"),
        ("rivaroxaban", "S"),
        ("atomoxetine", "R"),
        ("paroxetine", "RS"),
        ("sertraline", "SS"),
        ("aprepitant", "RRS"),
        ("dextromethorphan", "SSS"),
    ],
)
def test_handedness_is_that_of_the_chemical_name(drug, labels):
    smiles = next(row.smiles for row in load_drugs() if row.id == drug)
    molecule = Chem.MolFromSmiles(smiles)
    Chem.rdCIPLabeler.AssignCIPLabels(molecule)
    found = [atom.GetProp("_CIPCode") for atom in molecule.GetAtoms() if atom.HasProp("_CIPCode")]
    assert sorted(found) == sorted(labels)


def test_tamoxifen_is_z():
    smiles = next(row.smiles for row in load_drugs() if row.id == "tamoxifen")
    stereo = [bond.GetStereo() for bond in Chem.MolFromSmiles(smiles).GetBonds()]
    assert stereo.count(Chem.BondStereo.STEREOZ) == 1


def test_rows_name_what_exists_and_repeat_nothing():
    drugs = {drug.id for drug in load_drugs()}
    entities = {row["id"] for row in table("entities")}
    relations = {relation.id for relation in RELATIONS}
    roles = table("roles")
    for row in roles:
        assert row["drug"] in drugs, row
        assert row["entity"] in entities, row
        assert row["relation"] in relations - {"class", "similar-structure"}, row
    assert len({(r["drug"], r["relation"], r["entity"]) for r in roles}) == len(roles)
    assert {row["entity"] for row in roles} == entities
    pairs = table("interactions")
    assert len({(row["drug1"], row["drug2"]) for row in pairs}) == len(pairs) >= 120
    types = {kind.id for kind in INTERACTION_TYPES}
    for row in pairs:
        assert {row["drug1"], row["drug2"]} <= drugs, row
        assert row["drug1"] != row["drug2"]
        assert row["type"] in types, row
        assert {e for e in row["reason"].split(";") if e} <= entities, row


def test_every_fact_has_a_source(starter):
    sources = {row["id"]: row for row in table("sources")}
    drugs = {drug.id for drug in load_drugs()}
    for row in [*table("roles"), *table("interactions")]:
        key, _, drug = row["source"].partition(":")
        assert key in sources, row
        assert not drug or drug in drugs, row
    for row in sources.values():
        assert row["title"].startswith(GENERAL_DOCUMENTS)
        assert row["url"] == "" or ".fda.gov/" in row["url"]
    network = starter.network
    assert set(starter.network.notes) == set(map(tuple, network.edges.tolist()))
    for (_, relation, _), notes in network.notes.items():
        assert all(note.source for note in notes)
        if RELATIONS[relation].id != "similar-structure":
            assert notes[0].source.startswith(GENERAL_DOCUMENTS)
            assert "{" not in notes[0].source
    assert set(starter.interaction_notes) == set(map(tuple, starter.interactions.tolist()))
    assert all(
        note.source.startswith(GENERAL_DOCUMENTS) for note in starter.interaction_notes.values()
    )


def test_a_role_has_one_grade():
    grades = defaultdict(set)
    for row in table("roles"):
        kind = row["relation"].split("-")[0]
        if kind in ("substrate", "inhibitor", "inducer", "transported"):
            grades[row["drug"], kind, row["entity"]].add(row["relation"])
    assert [key for key, found in grades.items() if len(found) > 1] == []


def test_nobody_both_inhibits_and_induces_one_enzyme_or_blocks_and_activates_one_target():
    roles = defaultdict(set)
    for row in table("roles"):
        roles[row["drug"], row["entity"]].add(row["relation"].split("-")[0])
    opposites = ({"inhibitor", "inducer"}, {"blocks", "activates"}, {"blocks", "partly"})
    for key, found in roles.items():
        assert not any(pair <= found for pair in opposites), key
    both_ways = {
        (row["drug"], row["entity"], row["relation"])
        for row in table("roles")
        if row["relation"].startswith("transport-")
    }
    for drug, entity, relation in both_ways:
        other = {"transport-inhibitor": "transport-inducer"}.get(relation, "transport-inhibitor")
        assert (drug, entity, other) not in both_ways


def test_drugs_come_first_and_classes_have_members(starter):
    network = starter.network
    assert network.entities[: network.num_drugs] == tuple(drug.id for drug in load_drugs())
    assert set(network.kinds[: network.num_drugs]) == {"Compound"}
    assert len(set(network.entities)) == network.num_entities
    assert len(set(network.entity_names)) == network.num_entities
    belongs = [relation.id for relation in RELATIONS].index("class")
    members = Counter(network.edges[network.edges[:, 1] == belongs, 2].tolist())
    assert {network.kinds[row] for row in members} == {"Class"}
    assert min(members.values()) >= 2


def test_resembling_pairs_are_those_of_rdkit(starter):
    network = starter.network
    generator = GetMorganGenerator(radius=2)
    prints = [
        generator.GetSparseCountFingerprint(Chem.MolFromSmiles(smiles)) for smiles in network.smiles
    ]
    n = network.num_drugs
    expected = {
        (a, b)
        for a in range(n)
        for b in range(a + 1, n)
        if DiceSimilarity(prints[a], prints[b]) >= 0.5
    }
    row = [relation.id for relation in RELATIONS].index("similar-structure")
    assert {(h, t) for h, r, t in network.edges.tolist() if r == row} == expected
    assert (network.rows["alprazolam"], network.rows["triazolam"]) in expected


# --- the labels


@pytest.mark.parametrize(
    ("head", "kind", "tail", "reasons"),
    [
        ("ketoconazole", "metabolism-decreased", "simvastatin", {"CYP3A4"}),
        ("clarithromycin", "metabolism-decreased", "midazolam", {"CYP3A4"}),
        ("diltiazem", "metabolism-decreased", "lovastatin", {"CYP3A4"}),
        ("fluoxetine", "metabolism-decreased", "metoprolol", {"CYP2D6"}),
        ("paroxetine", "metabolism-decreased", "thioridazine", {"CYP2D6"}),
        ("fluconazole", "metabolism-decreased", "warfarin", {"CYP2C9"}),
        ("fluvoxamine", "metabolism-decreased", "tizanidine", {"CYP1A2"}),
        ("ciprofloxacin", "metabolism-decreased", "theophylline", {"CYP1A2"}),
        ("gemfibrozil", "metabolism-decreased", "repaglinide", {"CYP2C8", "SLCO1B1"}),
        ("allopurinol", "metabolism-decreased", "azathioprine", {"XDH"}),
        ("atazanavir", "metabolism-decreased", "irinotecan", {"UGT1A1", "CYP3A4"}),
        ("phenelzine", "metabolism-decreased", "rizatriptan", {"MAOA"}),
        ("rifampin", "metabolism-increased", "midazolam", {"CYP3A4"}),
        ("rifampin", "metabolism-increased", "warfarin", {"CYP2C9"}),
        ("carbamazepine", "metabolism-increased", "lamotrigine", {"UGT1A4"}),
        ("omeprazole", "activation-lost", "clopidogrel", {"CYP2C19"}),
        ("fluvoxamine", "activation-lost", "clopidogrel", {"CYP2C19"}),
        ("quinidine", "activation-lost", "codeine", {"CYP2D6"}),
        ("paroxetine", "activation-lost", "tamoxifen", {"CYP2D6"}),
        ("clarithromycin", "transport-increased", "digoxin", {"ABCB1"}),
        ("verapamil", "transport-increased", "dabigatran-etexilate", {"ABCB1"}),
        ("gemfibrozil", "transport-increased", "rosuvastatin", {"SLCO1B1"}),
        ("cyclosporine", "transport-increased", "rosuvastatin", {"SLCO1B1", "ABCG2"}),
        ("cimetidine", "transport-increased", "metformin", {"SLC22A2", "SLC47A1"}),
        ("probenecid", "transport-increased", "methotrexate", {"SLC22A6", "SLC22A8"}),
        ("rifampin", "transport-decreased", "digoxin", {"ABCB1"}),
        ("omeprazole", "absorption-decreased", "atazanavir", {"acid-suppression"}),
        ("naltrexone", "effect-counteracted", "morphine", {"OPRM1"}),
        ("propranolol", "effect-counteracted", "albuterol", {"ADRB2"}),
        ("ibuprofen", "excretion-decreased", "lithium-carbonate", set()),
        ("dofetilide", "qt-prolongation", "sotalol", {"qt"}),
        ("aspirin", "bleeding", "warfarin", {"bleeding"}),
        ("linezolid", "serotonin-syndrome", "sertraline", {"serotonergic"}),
        ("alprazolam", "cns-depression", "oxycodone", {"cns-depression"}),
        ("lisinopril", "hyperkalaemia", "spironolactone", {"hyperkalaemia"}),
        ("nitroglycerin", "hypotension", "sildenafil", {"hypotension"}),
        ("phenelzine", "hypertension", "pseudoephedrine", {"hypertension"}),
        ("metoprolol", "bradycardia", "verapamil", {"bradycardia"}),
        ("cyclosporine", "kidney-injury", "ibuprofen", {"kidney-injury"}),
        ("ibuprofen", "kidney-injury", "lisinopril", set()),
    ],
)
def test_textbook_interactions(labels, head, kind, tail, reasons):
    assert labels[head, kind, tail] == reasons


@pytest.mark.parametrize(
    ("head", "kind", "tail"),
    [
        ("simvastatin", "metabolism-decreased", "ketoconazole"),  # the other way round
        ("pravastatin", "metabolism-decreased", "ketoconazole"),
        ("ketoconazole", "metabolism-decreased", "pravastatin"),  # hardly metabolised by CYP3A4
        ("famotidine", "metabolism-decreased", "theophylline"),  # cimetidine only
        ("azithromycin", "metabolism-decreased", "simvastatin"),  # the other macrolides only
        ("sertraline", "metabolism-decreased", "metoprolol"),  # weak inhibitor
        ("pantoprazole", "activation-lost", "clopidogrel"),
        ("fluoxetine", "activation-lost", "prasugrel"),
        ("ritonavir", "metabolism-decreased", "ethinyl-estradiol"),  # induction prevails
        ("ritonavir", "metabolism-decreased", "voriconazole"),
        ("rifampin", "transport-increased", "rosuvastatin"),
        ("erythromycin", "transport-increased", "rosuvastatin"),
        ("carvedilol", "transport-increased", "apixaban"),  # P-glycoprotein alone matters little
        ("rizatriptan", "serotonin-syndrome", "sumatriptan"),
        ("pioglitazone", "hypoglycaemia", "rosiglitazone"),
    ],
)
def test_what_must_not_be_labelled(labels, head, kind, tail):
    assert (head, kind, tail) not in labels


EFFECTS = {
    "serotonin-syndrome": "serotonergic", "hypertension": "hypertension",
    "qt-prolongation": "qt", "bleeding": "bleeding", "hyperkalaemia": "hyperkalaemia",
    "cns-depression": "cns-depression", "hypotension": "hypotension",
    "bradycardia": "bradycardia", "myopathy": "myopathy", "hypoglycaemia": "hypoglycaemia",
    "kidney-injury": "kidney-injury", "marrow-suppression": "marrow-suppression",
    "anticholinergic": "anticholinergic",
}  # fmt: skip


def directed_grounds(one, other):
    """Rules from a drug to another in order of precedence; each drug is relation to entities."""
    strong = one["inhibitor-strong"] | one["inhibitor"]
    moderate = one["inhibitor-moderate"]
    sensitive = other["substrate-sensitive"] | other["substrate-moderate"]
    any_substrate = sensitive | other["substrate"]
    induced = (one["inducer-strong"] | one["inducer"]) & any_substrate
    return {
        "activation-lost": (strong | moderate) & other["activated"],
        "metabolism-decreased": (strong & any_substrate) | (moderate & sensitive),
        "metabolism-increased": induced | (one["inducer-moderate"] & sensitive),
        "transport-increased": one["transport-inhibitor"] & other["transported"],
        "transport-decreased": one["transport-inducer"] & other["transported"],
        "absorption-decreased": one["effect"] & other["needs-acid"],
        "effect-counteracted": one["blocks"] & other["activates"] & {"ADRB2", "DRD2", "OPRM1"},
    }


def mutual_grounds(one, other):
    """The same for what two drugs do together."""
    shared = one["effect"] & other["effect"]
    return {kind: {effect} & shared for kind, effect in EFFECTS.items()}


def first_ground(one, other, grounds):
    """Type and reasons of the first rule that holds, or None."""
    found = (
        (kind, reasons)
        for kind, reasons in grounds.items()
        if reasons and (one, kind, other) not in NOT_BY_RULE
    )
    return next(found, None)


def test_labels_are_those_of_the_rules_written_out(labels):
    """Every label again, pair by pair, straight from the tables."""
    roles = {drug.id: defaultdict(set) for drug in load_drugs()}
    for row in table("roles"):
        roles[row["drug"]][row["relation"]].add(row["entity"])
    documented = {}
    for row in table("interactions"):
        pair = row["drug1"], row["drug2"]
        documented[tuple(sorted(pair)) if row["type"] in EFFECTS else pair] = row["type"]
    ruled = {}
    for one, other in product(roles, roles):
        found = first_ground(one, other, directed_grounds(roles[one], roles[other]))
        if one != other and found and (one, other) not in documented:
            ruled[one, other] = found
    taken = {frozenset(pair) for pair in [*documented, *ruled]}
    for one, other in product(roles, roles):
        found = first_ground(one, other, mutual_grounds(roles[one], roles[other]))
        if one < other and found and frozenset((one, other)) not in taken:
            ruled[one, other] = found
    expected = {(one, kind, other): why for (one, other), (kind, why) in ruled.items()}
    by_rule = {key: why for key, why in labels.items() if (key[0], key[2]) not in documented}
    assert by_rule == expected
    assert {(one, kind, other) for (one, other), kind in documented.items()} == (
        labels.keys() - expected.keys()
    )


def test_one_type_per_ordered_pair_and_symmetric_ones_once(starter):
    rows = starter.interactions
    assert rows.dtype == np.int64
    assert (rows[:, 0] != rows[:, 2]).all()
    pairs = list(map(tuple, rows[:, [0, 2]].tolist()))
    assert len(set(pairs)) == len(pairs)
    symmetric = {row for row, kind in enumerate(INTERACTION_TYPES) if kind.symmetric}
    for head, kind, tail in rows.tolist():
        if kind in symmetric:
            assert head < tail
            assert (tail, head) not in pairs
    assert set(rows[:, 1].tolist()) == set(range(len(INTERACTION_TYPES)))
    assert min(Counter(rows[:, 1].tolist()).values()) >= 15


def test_reasons_lie_between_the_two_drugs(starter):
    """The path that a rule speaks of is in the network."""
    touching = defaultdict(set)
    for head, _, tail in starter.network.edges.tolist():
        touching[head].add(tail)
    for (head, kind, tail), reasons in starter.reasons.items():
        by_rule = (head, kind, tail) not in starter.documented
        assert reasons or not by_rule
        assert set(reasons) <= touching[head] & touching[tail], starter.network.entities[head]


def test_the_note_tells_the_facts_behind_a_label(starter):
    network = starter.network
    kinds = [kind.id for kind in network.types]
    key = (
        network.rows["ketoconazole"],
        kinds.index("metabolism-decreased"),
        network.rows["simvastatin"],
    )
    note = starter.interaction_notes[key]
    assert note.text == (
        "ketoconazole is a strong inhibitor of CYP3A4 (cytochrome P450 3A4); "
        "simvastatin is a sensitive substrate of CYP3A4 (cytochrome P450 3A4)"
    )
    assert "Table of Substrates, Inhibitors and Inducers" in note.source
    assert note.url.startswith("https://www.fda.gov/")
    key = (
        network.rows["aspirin"], kinds.index("bleeding"), network.rows["warfarin"],
    )  # fmt: skip
    assert starter.interaction_notes[key].source == (
        "FDA-approved prescribing information of aspirin; "
        "FDA-approved prescribing information of warfarin"
    )
    assert starter.rule_reason(key[2], key[1], key[0]) == ()


def test_types_are_sentences_with_both_drugs():
    assert len({kind.id for kind in INTERACTION_TYPES}) == len(INTERACTION_TYPES)
    for kind in INTERACTION_TYPES:
        assert kind.text.count("#Drug1") == kind.text.count("#Drug2") == 1
        assert kind.text.endswith(".")
        assert kind.mechanism.startswith(("PK ", "PD "))
        assert kind.direction in ("up", "down")
    known = {kind.id for kind in INTERACTION_TYPES}
    assert {rule.type for rule in RULES} == known - {"excretion-decreased"}


def test_names_and_brands_find_the_drug(starter):
    rows = starter.network.rows
    assert starter.synonyms["zocor"] == rows["simvastatin"]
    assert starter.synonyms["rifampicin"] == rows["rifampin"]
    assert starter.synonyms["valproic acid"] == rows["valproic-acid"]
    assert starter.synonyms["valproic-acid"] == rows["valproic-acid"]
    assert "" not in starter.synonyms


# --- emerging drugs


@pytest.mark.parametrize("seed", [0, 1, 12])
def test_split_holds_out_drugs(starter, seed):
    split = starter.split(seed)
    assert split.name == f"starter-{seed}"
    assert split.network is starter.network
    known = split.known_drugs
    can_emerge = starter.network.degrees[: starter.network.num_drugs] > 0
    assert (~known).sum() == 2 * round(0.1 * can_emerge.sum())
    assert can_emerge[~known].all()
    emerging = {}
    for part in ("valid", "test"):
        one, both = split.parts[f"{part} S1"], split.parts[f"{part} S2"]
        assert (known[one[:, 0]] != known[one[:, 2]]).all()
        assert not known[both[:, [0, 2]]].any()
        emerging[part] = set(one[:, [0, 2]][~known[one[:, [0, 2]]]].tolist())
        assert set(both[:, [0, 2]].ravel().tolist()) <= emerging[part] | set(
            np.flatnonzero(~known).tolist()
        )
        assert len(one) > 300
        assert len(both) >= 5
        s0 = split.parts[f"{part} S0"]
        assert known[s0[:, [0, 2]]].all()
    assert not emerging["valid"] & emerging["test"]
    assert known[split.train[:, [0, 2]]].all()
    everything = [tuple(row) for rows in (split.train, *split.parts.values()) for row in rows]
    assert len(set(everything)) == len(everything)
    given = set(map(tuple, starter.interactions.tolist()))
    assert set(everything) <= given
    for head, _, tail in given - set(everything):  # between a validation and a test drug
        assert {head in emerging["valid"], tail in emerging["valid"]} == {True, False}
        assert {head in emerging["test"], tail in emerging["test"]} == {True, False}


def test_splits_depend_on_the_seed_only(starter):
    first, again, other = starter.split(3), starter.split(3), starter.split(4)
    assert np.array_equal(first.train, again.train)
    assert all(np.array_equal(first.parts[name], again.parts[name]) for name in first.parts)
    assert not np.array_equal(first.known_drugs, other.known_drugs)
