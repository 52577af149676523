"""What pages and serving call."""

import subprocess
import sys

import numpy as np
import pytest

from core import chemistry
from core.chemistry import client
from core.errors import InputError
from core.settings import ROOT

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_a_structure_is_described():
    found = chemistry.check("OC(=O)c1ccccc1OC(C)=O")
    assert found.smiles == ASPIRIN
    assert (found.formula, found.weight) == ("C9H8O4", 180.159)
    assert (found.num_heavy_atoms, found.num_rings, found.charge) == (13, 1, 0)
    assert (found.num_fragments, found.given, found.warnings) == (1, ASPIRIN, ())
    assert chemistry.Structure.from_json(found.to_json()) == found


def test_text_beyond_the_limits_never_reaches_a_worker(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a worker was asked")

    monkeypatch.setattr(client.Workers, "ask", refuse)
    chemistry._answer.cache_clear()
    calls = (
        chemistry.check, chemistry.depict, chemistry.conformer, chemistry.fingerprint,
        chemistry.alerts, lambda text: chemistry.compare("C", text),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(InputError) as caught:
            call("C" * 20_000)
        assert caught.value.code == "MO-E03"
        with pytest.raises(InputError) as caught:
            call("C" * 251)
        assert caught.value.code == "MO-E02"


def test_the_server_process_does_not_load_rdkit():
    script = (
        "import sys\n"
        "from core import chemistry\n"
        f"chemistry.check({ASPIRIN!r}); chemistry.fingerprint({ASPIRIN!r})\n"
        f"chemistry.depict({ASPIRIN!r}); chemistry.alerts({ASPIRIN!r})\n"
        "assert not {'rdkit', 'torch', 'streamlit'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_fingerprints_agree_with_those_of_trusted_data():
    from core.chemistry.structure import morgan_bits, morgan_counts

    bits, counts = chemistry.fingerprint("OC(=O)c1ccccc1OC(C)=O")
    assert bits.shape == (1024,)
    np.testing.assert_array_equal(bits, morgan_bits(ASPIRIN))
    assert counts == morgan_counts(ASPIRIN)


def test_a_salt_is_stripped_or_refused():
    found = chemistry.check(f"{ASPIRIN}.[Na+].[Cl-]")
    assert (found.smiles, found.num_fragments) == (ASPIRIN, 3)
    assert [remark.code for remark in found.warnings] == ["MO-E04"]
    with pytest.raises(InputError, match="a salt or mixture") as caught:
        chemistry.check(f"{ASPIRIN}.[Na+].[Cl-]", strip_salts=False)
    assert caught.value.code == "MO-E04"


def test_refusals_are_kept_with_all_their_words(monkeypatch):
    with pytest.raises(InputError) as first:
        chemistry.check("CC(C)(C)(C)C")
    monkeypatch.setattr(client.Workers, "ask", None)
    with pytest.raises(InputError) as again:
        chemistry.check("CC(C)(C)(C)C")
    assert str(again.value) == str(first.value)
    assert again.value is not first.value


def test_same_molecule_or_not():
    assert chemistry.compare(ASPIRIN, f"[Na+].{ASPIRIN[:-1]}[O-]").same
    assert chemistry.compare("C[C@H](N)O", "C[C@@H](N)O").same
    other = chemistry.compare(ASPIRIN, "OC(=O)c1ccccc1O")
    assert not other.same
    assert 0.3 < other.similarity < 0.7


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        (ASPIRIN, [("phenol ester", "Brenk", set(range(10)))]),
        ("c1ccccc1C", []),
        ("S=C1NC(=O)C(=Cc2ccccc2)S1", None),  # a rhodanine, the best known PAINS
    ],
)
def test_structural_alerts(smiles, expected):
    found = [(one.name, one.family, set(one.atoms)) for one in chemistry.alerts(smiles)]
    if expected is None:
        assert "PAINS" in {family for _, family, _ in found}
    else:
        assert found == expected


def test_alert_atoms_are_atoms_of_the_text():
    (alert,) = chemistry.alerts("OC(=O)c1ccccc1OC(C)=O")
    assert set(range(13)) - set(alert.atoms) == {0, 1, 2}  # the acid group has no part in it
    assert "ChemMedChem 3 (2008)" in alert.reference
