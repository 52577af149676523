"""Pictures of molecules with RDKit: flat as SVG, in space as a molfile. Runs inside the worker."""

import html
from collections.abc import Mapping, Sequence

from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom, rdFMCS, rdForceFieldHelpers, rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D

from core.chemistry.structure import parse_smiles
from core.errors import InputError

MIN_WIDTH, MIN_HEIGHT = 220, 180
MAX_SIDE = 1_200
MAX_ATOMS_IN_SPACE = 120  # heavy atoms; beyond it the force field takes longer than the limit
SEED = 20240925
COMMON_CORE_S = 1
MIN_COMMON_ATOMS = 5  # a smaller common part says nothing about orientation

_PAPER = {False: (1.0, 1.0, 1.0), True: (14 / 255, 17 / 255, 23 / 255)}  # the themes' backgrounds
_HALO = {False: (1.0, 0.8, 0.0), True: (0.55, 0.42, 0.0)}
_EFFECT = {  # towards and against, light and dark theme
    True: {False: (0.42, 0.68, 0.94), True: (0.11, 0.37, 0.66)},
    False: {False: (0.98, 0.66, 0.30), True: (0.66, 0.36, 0.05)},
}
WEAKEST = 0.05  # share of the largest effect below which an atom has no halo
_HEADER = "<!-- END OF HEADER -->"


def draw_structure(
    smiles: str,
    name: str = "",
    *,
    dark: bool = False,
    highlight: Sequence[int] = (),
    like: str = "",
    width: int = 320,
    height: int = 240,
) -> str:
    """Draw one molecule as SVG with stereo wedges, CIP labels, a title and a description.

    Args:
        smiles: SMILES within the limits of `core.chemistry.text`.
        name: name in the title; may be empty.
        dark: colours for the dark theme.
        highlight: atoms of `smiles` to mark, rows from 0.
        like: SMILES of a molecule whose orientation is taken over as far as the two agree.
        width: pixels, at least 220 and at most 1,200.
        height: pixels, at least 180 and at most 1,200.

    Raises:
        InputError: as `read_structure`; MO-E01 when `highlight` names an atom that is not there.
    """
    mol = parse_smiles(smiles)
    if any(not 0 <= atom < mol.GetNumAtoms() for atom in highlight):
        raise _no_such_atom(mol)
    colors = dict.fromkeys(highlight, _HALO[dark])
    return _draw(mol, name, colors, dark=dark, like=like, width=width, height=height)


def draw_effects(
    smiles: str,
    effects: Sequence[float],
    name: str = "",
    *,
    dark: bool = False,
    like: str = "",
    width: int = 320,
    height: int = 240,
) -> str:
    """Draw one molecule with a coloured halo on every atom, as `draw_structure` does otherwise.

    Args:
        smiles: SMILES within the limits of `core.chemistry.text`.
        effects: one finite number per atom of `smiles`. Positive is blue, negative orange; the
            largest magnitude has the full colour, an effect of 0 none.
        name: name in the title; may be empty.
        dark: colours for the dark theme.
        like: SMILES of a molecule whose orientation is taken over as far as the two agree.
        width: pixels, at least 220 and at most 1,200.
        height: pixels, at least 180 and at most 1,200.

    Raises:
        InputError: as `read_structure`; MO-E01 when there is not one effect per atom.
    """
    mol = parse_smiles(smiles)
    if len(effects) != mol.GetNumAtoms():
        raise _no_such_atom(mol)
    largest = max(map(abs, effects)) or 1.0
    colors = {}
    for atom, effect in enumerate(effects):
        strength = abs(effect) / largest
        if strength >= WEAKEST:
            mixed = zip(_EFFECT[effect > 0][dark], _PAPER[dark], strict=True)
            colors[atom] = tuple(strength * full + (1 - strength) * paper for full, paper in mixed)
    return _draw(mol, name, colors, dark=dark, like=like, width=width, height=height)


def _no_such_atom(mol: Chem.Mol) -> InputError:
    return InputError(
        "MO-E01", "No such atom", f"The molecule has {mol.GetNumAtoms()} atoms.",
        "Mark atoms of this molecule.",
    )  # fmt: skip


def _draw(
    mol: Chem.Mol,
    name: str,
    colors: Mapping[int, tuple[float, float, float]],
    *,
    dark: bool,
    like: str,
    width: int,
    height: int,
) -> str:
    """The picture, with halos on some atoms and on the bonds between atoms of one colour."""
    _place_flat(mol, like)
    drawer = rdMolDraw2D.MolDraw2DSVG(
        min(max(width, MIN_WIDTH), MAX_SIDE), min(max(height, MIN_HEIGHT), MAX_SIDE)
    )
    options = drawer.drawOptions()
    if dark:
        rdMolDraw2D.SetDarkMode(options)
    options.setBackgroundColour(_PAPER[dark])
    options.addStereoAnnotation = True
    options.maxFontSize = 22
    ends = ((bond, colors.get(bond.GetBeginAtomIdx())) for bond in mol.GetBonds())
    bonds = {
        bond.GetIdx(): color
        for bond, color in ends
        if color and color == colors.get(bond.GetEndAtomIdx())
    }
    drawer.DrawMolecule(
        rdMolDraw2D.PrepareMolForDrawing(mol),
        highlightAtoms=sorted(colors),
        highlightAtomColors=dict(colors),
        highlightBonds=sorted(bonds),
        highlightBondColors=bonds,
    )
    drawer.FinishDrawing()
    title = name or "Molecule"
    formula = rdMolDescriptors.CalcMolFormula(mol)
    words = f"{formula}, SMILES {Chem.MolToSmiles(mol)}"
    svg = drawer.GetDrawingText().partition("?>")[2].lstrip()  # it declares the wrong encoding
    head = f"<title>{_literal(title)}</title>\n<desc>{_literal(words)}</desc>\n"
    return svg.replace("<svg ", '<svg role="img" ', 1).replace(_HEADER, head, 1)


def _literal(text: str) -> str:
    """The text as XML, without control characters."""
    return html.escape("".join(sign if sign.isprintable() else " " for sign in text))


def _place_flat(mol: Chem.Mol, like: str) -> None:
    """Give `mol` coordinates, turned as those of `like` where the two have a common core."""
    rdDepictor.Compute2DCoords(mol)
    if like:
        reference = parse_smiles(like)
        _place_flat(reference, "")
        common = rdFMCS.FindMCS(
            [reference, mol], timeout=COMMON_CORE_S, ringMatchesRingOnly=True,
            completeRingsOnly=True,
        )  # fmt: skip
        if common.numAtoms >= MIN_COMMON_ATOMS:
            core = Chem.MolFromSmarts(common.smartsString)
            pairs = zip(reference.GetSubstructMatch(core), mol.GetSubstructMatch(core), strict=True)
            rdDepictor.GenerateDepictionMatching2DStructure(mol, reference, list(pairs))
            return
    rdDepictor.StraightenDepiction(mol)


def place_in_space(smiles: str) -> str:
    """One conformer as a molfile with hydrogens: ETKDG version 3, then MMFF94 where it applies.

    Source: Riniker and Landrum, J. Chem. Inf. Model. 55, 2562 (2015). The same SMILES gives the
    same conformer; it is one of many shapes and not a measured one.

    Raises:
        InputError: as `read_structure`; MO-E11 when no conformer is found or the molecule is larger
            than 120 heavy atoms.
    """
    mol = parse_smiles(smiles)
    num_atoms = mol.GetNumHeavyAtoms()
    if num_atoms > MAX_ATOMS_IN_SPACE:
        raise _no_model(f"It has {num_atoms} heavy atoms; the limit is {MAX_ATOMS_IN_SPACE}.")
    mol = Chem.AddHs(mol)
    settings = rdDistGeom.ETKDGv3()
    settings.randomSeed = SEED
    settings.maxIterations = 20
    if rdDistGeom.EmbedMolecule(mol, settings) < 0:
        settings.useRandomCoords = True
        if rdDistGeom.EmbedMolecule(mol, settings) < 0:
            raise _no_model("No arrangement of its atoms satisfies all distances.")
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=200)
    return Chem.MolToMolBlock(mol)


def _no_model(problem: str) -> InputError:
    return InputError("MO-E11", "No 3-D model", problem, "Use the flat picture.")
