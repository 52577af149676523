"""Names of genes in two files: which naming scheme each uses, and which names are the same gene."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.data.findings import Finding, Repair
from core.data.regulation.reading import Choices

SYMBOLS = "symbols"
SCHEMES = tuple(
    (words, re.compile(pattern))
    for words, pattern in (
        ("Ensembl ids", r"ENS[A-Z]{0,4}[GTP]\d{11}(\.\d+)?"),
        ("systematic yeast names", r"Y[A-P][LR]\d{3}[WC](-[A-Z])?"),
        ("Affymetrix probes", r"\d+(_[a-z])*_at"),
        ("RefSeq ids", r"[NX][MRP]_\d+(\.\d+)?"),
        ("FlyBase ids", r"FBgn\d{7}"),
        ("WormBase ids", r"WBGene\d{8}"),
        ("Arabidopsis loci", r"AT[1-5CM]G\d{5}"),
        ("UniProt ids", r"[OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d([A-Z][A-Z\d]{2}\d){1,2}"),
        ("Entrez ids", r"\d{1,9}"),
    )
)
LOOK = 1000  # names that tell the scheme
TOO_FEW = 0.1  # of the names of the shorter list
FEW = 0.5


def scheme_of(names: Iterable[str]) -> str:
    """How most of the names are formed, such as ``Ensembl ids``; ``symbols`` for all others."""
    counts = Counter(
        next((words for words, pattern in SCHEMES if pattern.fullmatch(name)), SYMBOLS)
        for name, _ in zip(names, range(LOOK), strict=False)
    )
    return counts.most_common(1)[0][0] if counts else SYMBOLS


def fold_name(name: str) -> str:
    """Without case, the species in front (4932.YAL004W) and the version behind (ENSG….5)."""
    name = re.sub(r"^\d+\.(?=[A-Za-z])", "", name)
    return re.sub(r"(?<=\d{6})\.\d+$", "", name).casefold()


def match_names(
    listed: Mapping[str, Sequence[str]], prior: Sequence[str], choices: Choices,
    findings: list[Finding],
) -> tuple[tuple[str, ...], dict[str, str]]:  # fmt: skip
    """Which names of the prior are which genes.

    Args:
        listed: names of the genes with data by header of the column, the first one to be taken
            unless a person chooses another.
        prior: names in the prior, each once.
        choices: ``names:HEADER`` and ``fold-names``.
        findings: GR-E01 is added where few names agree.

    Returns:
        The names of the genes, and from names of the prior to those of the genes.
    """
    header = next((one for one in listed if choices.has(f"names:{one}")), next(iter(listed)))
    names = tuple(listed[header])
    found = common_names(names, prior, folded=choices.has("fold-names"))
    share = len(found) / max(min(len(set(names)), len(prior)), 1)
    if share >= FEW:
        return names, found
    repairs = [
        Repair(f"names:{other}", f"Take the names in {other} ({number:,} agree)")
        for other, column in listed.items()
        if other != header and (number := len(common_names(column, prior))) > len(found)
    ]
    number = len(common_names(names, prior, folded=True))
    if number > len(found):
        label = f"Ignore case, species and version ({number:,} agree)"
        repairs.append(Repair("fold-names", label))
    findings.append(_mismatch(names, prior, len(found), share < TOO_FEW, repairs))
    return names, found


def common_names(
    names: Iterable[str], prior: Iterable[str], *, folded: bool = False
) -> dict[str, str]:
    """From names in another file, such as the prior, to the same genes among `names`."""
    change = fold_name if folded else str
    place: dict[str, str] = {}
    for name in names:
        place.setdefault(change(name), name)
    return {name: place[change(name)] for name in prior if change(name) in place}


def _mismatch(
    names: Sequence[str], prior: Sequence[str], number: int, blocking: bool,
    repairs: Sequence[Repair],
) -> Finding:  # fmt: skip
    own, other = scheme_of(names), scheme_of(prior)
    left = sorted(set(names) - set(prior))[:2]
    right = sorted(set(prior) - set(names))[:2]
    own = "names" if own == other else own
    other = "names" if own == "names" else other
    return Finding(
        "GR-E01", "Gene names do not match",
        f"{number:,} of {len(set(names)):,} genes are in the prior. Expression uses {own} such as "
        f"{', '.join(left)}, the prior uses {other} such as {', '.join(right)} – convert one of "
        "them.",
        "" if blocking else "The other genes are learned from data alone.", blocking,
        tuple(repairs),
    )  # fmt: skip
