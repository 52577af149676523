"""Molecules made ready for a model: standardised, described, written. Runs inside the worker.

Standardising is RDKit's `rdMolStandardize`: metal salts are split, acids are ionised in the order
of their strength, charges are neutralised where hydrogens can do it. Tautomers and stereo marks
stay as they are, and so do functional groups: the data sets that models are trained on write
sulfoxides as S=O, RDKit's normal form does not. A molecule with an element that is rare among drugs
stays as drawn, because its bonds to the element would be cut.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor, rdFingerprintGenerator
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds import MurckoScaffold

from core.chemistry.graphs import graph_of
from core.chemistry.structural_alerts import find_alerts
from core.chemistry.structure import RADIUS, USUAL_ELEMENTS, parse_smiles, read_structure
from core.chemistry.values import MOLECULE_BITS, Structure
from core.errors import InputError

SALT_METALS = frozenset(("Li", "Na", "K", "Mg", "Ca", "Zn", "Al"))


def prepare_many(
    texts: Sequence[str], strip_salts: bool, standardise: bool
) -> list[dict[str, dict[str, Any]]]:
    """`prepare` for each text: ``{"value": …}``, or ``{"error": …}``, an `InputError`'s fields."""
    answers = []
    for text in texts:
        try:
            answers.append({"value": prepare(text, strip_salts, standardise)})
        except InputError as error:
            answers.append({"error": vars(error)})
    return answers


def prepare(text: str, strip_salts: bool, standardise: bool) -> dict[str, Any]:
    """One molecule as the JSON of `core.chemistry.values.Molecule`.

    Args:
        text: SMILES, molfile or one SDF record.
        strip_salts: keep the largest part of several; otherwise several are refused.
        standardise: split metal salts, rewrite functional groups, neutralise charges.

    Raises:
        InputError: as `core.chemistry.structure.read_structure`.
    """
    given = read_structure(text, strip_salts=strip_salts)
    structure, changes = _standardise(given, strip_salts) if standardise else (given, [])
    mol = parse_smiles(structure.smiles)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=MOLECULE_BITS)
    return {
        "structure": structure.to_json(),
        "changes": changes,
        "unspecified": _count_unspecified(mol),
        "key": Chem.MolToInchiKey(mol),
        "scaffold": Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(mol)),
        "bits": list(generator.GetFingerprint(mol).GetOnBits()),
        "features": sorted(generator.GetSparseCountFingerprint(mol).GetNonzeroElements()),
        "graph": graph_of(structure.smiles).to_json(),
        "alerts": [asdict(alert) for alert in find_alerts(structure.smiles)],
    }


def _standardise(given: Structure, strip_salts: bool) -> tuple[Structure, list[str]]:
    """The standardised molecule and what changed, in words."""
    mol = parse_smiles(given.smiles)
    elements = {atom.GetSymbol() for atom in mol.GetAtoms()}
    if elements - USUAL_ELEMENTS - SALT_METALS:
        return given, []
    parted = rdMolStandardize.MetalDisconnector().Disconnect(mol)
    ionised = rdMolStandardize.Reionizer().reionize(parted)
    cleaned = read_structure(Chem.MolToSmiles(ionised), strip_salts=strip_salts)
    neutral = Chem.MolToSmiles(rdMolStandardize.Uncharger().uncharge(parse_smiles(cleaned.smiles)))
    found = read_structure(neutral)
    changes = []
    if cleaned.num_fragments > 1:
        changes.append("bonds to a metal cut and the largest part kept")
    elif cleaned.smiles != given.smiles:
        changes.append("the strongest acid ionised first")
    if cleaned.charge != found.charge:
        changes.append(f"charge neutralised ({_sign(cleaned.charge)} to {_sign(found.charge)})")
    elif neutral != cleaned.smiles:
        changes.append("opposite charges neutralised")
    said = [remark for remark in given.warnings if remark.code != "MO-E08"]  # elements may be gone
    last = {remark.code: remark for remark in (*said, *cleaned.warnings)}
    return (
        replace(
            found,
            num_fragments=max(given.num_fragments, cleaned.num_fragments),
            given=given.given,
            warnings=tuple(last.values()),
        ),
        changes,
    )


def _sign(charge: int) -> str:
    return f"{charge:+d}".replace("-", "−") if charge else "0"


def _count_unspecified(mol: Chem.Mol) -> int:
    """Stereo centres and double bonds that could be marked and are not."""
    return sum(
        one.specified == Chem.StereoSpecified.Unspecified for one in Chem.FindPotentialStereo(mol)
    )


def find_environments(smiles: str) -> list[tuple[int, list[int]]]:
    """Every occurrence of a fingerprint bit: the bit and its atoms, in the order of `smiles`.

    A bit of the fingerprint is set when at least one of its occurrences is in the molecule, so the
    fingerprint without some atoms can be told from this list alone.

    Raises:
        InputError: as `core.chemistry.structure.read_structure`.
    """
    mol = parse_smiles(smiles)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=MOLECULE_BITS)
    extra = rdFingerprintGenerator.AdditionalOutput()
    extra.AllocateBitInfoMap()
    generator.GetFingerprint(mol, additionalOutput=extra)
    distance = Chem.GetDistanceMatrix(mol)
    return [
        (bit, [atom for atom, steps in enumerate(distance[center]) if steps <= radius])
        for bit, places in extra.GetBitInfoMap().items()
        for center, radius in places
    ]


def write_sdf(records: Sequence[Mapping[str, Any]]) -> str:
    """Molecules as an SDF with flat coordinates.

    Args:
        records: each with ``smiles``, ``name`` and ``fields``, pairs of a field's name and text.

    Raises:
        InputError: as `core.chemistry.structure.read_structure`.
    """
    parts = []
    for record in records:
        mol = parse_smiles(record["smiles"])
        rdDepictor.Compute2DCoords(mol)
        mol.SetProp("_Name", _one_line(record["name"])[:80])
        parts.append(Chem.MolToMolBlock(mol))
        for name, value in record["fields"]:
            # the name stands between angle brackets, an empty line ends the value
            title = _one_line(name).replace("<", "(").replace(">", ")")
            parts.append(f">  <{title}>\n{_one_line(value)}\n\n")
        parts.append("$$$$\n")
    return "".join(parts)


def _one_line(text: str) -> str:
    """The text without line breaks and control characters; never the mark of a record's end."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f" {line}" if line.startswith(("$$$$", ">", "M  ")) else line
