"""Structural alerts: the published lists of Brenk and PAINS as RDKit carries them.

Runs inside the worker. An alert is a reason to look, not a verdict: many approved drugs have one.
"""

from functools import cache

from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from core.chemistry.structure import parse_smiles
from core.chemistry.values import Alert


@cache
def _catalogue() -> FilterCatalog:
    wanted = FilterCatalogParams()
    for family in (wanted.FilterCatalogs.BRENK, wanted.FilterCatalogs.PAINS):
        wanted.AddCatalog(family)
    return FilterCatalog(wanted)


def find_alerts(smiles: str) -> list[Alert]:
    """Substructures of a molecule that are on one of the two lists.

    Source: Brenk et al., ChemMedChem 3, 435 (2008); Baell and Holloway, J. Med. Chem. 53, 2719
    (2010).

    Args:
        smiles: SMILES within the limits; the atoms of the alerts are counted in its order.

    Raises:
        InputError: as `read_structure`.
    """
    mol = parse_smiles(smiles)
    found = []
    for entry in _catalogue().GetMatches(mol):
        atoms = {atom for match in entry.GetFilterMatches(mol) for _, atom in match.atomPairs}
        family = "PAINS" if entry.GetProp("FilterSet").startswith("PAINS") else "Brenk"
        name = entry.GetDescription().replace("_", " ").replace("(", " (").replace("  ", " ")
        found.append(Alert(name, family, entry.GetProp("Reference"), tuple(sorted(atoms))))
    return found
