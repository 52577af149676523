"""Words and stand-in pictures for molecules; the pictures themselves come from `core.chemistry`."""

from collections.abc import Collection
from xml.sax.saxutils import escape

from core.chemistry.values import Comparison, Structure
from core.render.palette import THEMES
from core.render.svg import clean_xml


def describe_molecule(structure: Structure, name: str = "") -> str:
    """Accessible name: name, formula, SMILES."""
    parts = [name, structure.formula, f"SMILES {structure.smiles}"]
    return ", ".join(part for part in parts if part)


def list_facts(structure: Structure) -> list[tuple[str, str]]:
    """What stands beside a picture: names and values with units."""
    facts = [
        ("Formula", structure.formula),
        ("Weight", f"{structure.weight:,.2f} g/mol"),
        ("Heavy atoms", str(structure.num_heavy_atoms)),
        ("Rings", str(structure.num_rings)),
    ]
    if structure.charge:
        facts.append(("Charge", f"{structure.charge:+d}".replace("-", "−")))
    return facts


def say_comparison(first: str, second: str, comparison: Comparison) -> str:
    """One sentence on how alike two molecules are."""
    if comparison.same:
        return f"{first} and {second} are the same molecule."
    words = (
        "very similar" if comparison.similarity >= 0.7
        else "similar" if comparison.similarity >= 0.4
        else "hardly alike"
    )  # fmt: skip
    return (
        f"{first} and {second} are {words}: "
        f"similarity {comparison.similarity:.2f} of 1 (Tanimoto, Morgan radius 2)."
    )


DOMAIN_WORDS = {
    "inside": "inside the model's experience",
    "border": "at the border of the model's experience",
    "outside": "outside the model's experience",
}


def say_domain(flag: str) -> str:
    """A domain flag (inside, border or outside) in words."""
    return DOMAIN_WORDS[flag]


def say_set(classes: Collection[str]) -> str:
    """A set of classes in words: "active or inactive", or "neither"."""
    return " or ".join(classes) or "neither"


def draw_missing(
    reason: str = "structure could not be drawn",
    *,
    dark: bool = False,
    width: int = 320,
    height: int = 240,
) -> str:
    """The picture in place of one that could not be made: a grey box with the reason."""
    colors = THEMES["dark" if dark else "light"]
    words = escape(clean_xml(reason))
    return (
        f'<svg role="img" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><title>{words}</title>'
        f'<rect x="1" y="1" width="{width - 2}" height="{height - 2}" rx="6" '
        f'fill="{colors["background"]}" stroke="{colors["removed"]}" stroke-dasharray="6 4"/>'
        f'<text x="{width / 2:g}" y="{height / 2:g}" text-anchor="middle" font-size="15" '
        f'font-family="sans-serif" fill="{colors["quiet"]}">{words}</text></svg>'
    )
