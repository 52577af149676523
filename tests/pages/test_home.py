"""The home page: six domains, the models and the state of the server."""

import json
import os
import subprocess
import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


def run() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "home.py"), default_timeout=60).run()


def test_six_domains_with_one_sentence_each():
    app = run()
    assert [title.value for title in app.title] == ["Parsimony"]
    assert [heading.value for heading in app.subheader] == [
        "KG reasoning",
        "Recommendation",
        "Molecular property",
        "Symbolic regression",
        "Drug interaction",
        "Gene regulation",
    ]
    sentences = [text.value for text in app.markdown if text.value.endswith(".")]
    assert len(sentences) >= 7  # the purpose and one per domain
    assert (
        "Find a short formula with the right units for a system recorded on a graph." in sentences
    )


def test_every_domain_leads_to_its_page():
    app = run()
    links = [text.value for text in app.markdown if text.value.startswith("Open ")]
    assert links == [f"Open {heading.value}" for heading in app.subheader]


def test_the_state_of_the_server_is_shown():
    metrics = {metric.label: metric.value for metric in run().metric}
    assert metrics["Database"] == "ready"
    assert metrics["Workers for jobs"] == "none alive"  # the tests start none
    assert metrics["Models run on"] in {"CPU", "GPU (CUDA)", "CPU, GPU (CUDA)", "no model yet"}


def test_every_artifact_is_listed_as_verified():
    folders = sorted(path.parent.name for path in ROOT.glob("trained/*/card.json"))
    app = run()
    if not folders:
        assert app.info[0].value.startswith("No trained model is here.")
        return
    table = app.table[0].value
    assert len(table) == len(folders)
    assert set(table["State"]) == {"verified"}
    assert list(table["Model"]) == folders
    umls = json.loads((ROOT / "trained/redgnn-umls-drum/card.json").read_text())
    row = table[table["Model"] == "redgnn-umls-drum"].iloc[0]
    [mrr] = [one for one in umls["metrics"] if (one["name"], one["split"]) == ("mrr", "test")]
    assert row["Figure"] == "MRR"
    assert row["Measured"] == f"{mrr['value']:.3f}"
    assert row["Published"] == "0.964"


def test_a_damaged_artifact_is_refused_in_words(tmp_path):
    folder = tmp_path / "redgnn-broken"
    folder.mkdir()
    (folder / "card.json").write_text("{}")
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file(sys.argv[1], default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "print(app.table[0].value.iloc[0].to_json())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "pages" / "home.py")],
        cwd=ROOT,
        env=os.environ | {"PARSIMONY_TRAINED": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    row = json.loads(done.stdout.splitlines()[-1])
    assert row["Model"] == "redgnn-broken"
    assert "cannot be read" in row["State"]
