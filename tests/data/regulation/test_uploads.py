import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.regulation import uploads
from core.data.regulation.files import EXPRESSION, PRIOR, example_files, to_files
from core.data.regulation.reading import Choices
from core.data.regulation.simulate import simulate
from core.data.regulation.uploads import read_measurements
from core.errors import InputError

GENES = ("SWI4", "MBP1", "CLN2", "CLB5", "FKH1")
TIMES = (0, 5, 10, 15, 20, 25)
PRIOR_LIST = (
    "regulator,target,sign\nSWI4,CLN2,+\nMBP1,CLB5,-\nSWI4,CLB5,+\nFKH1,SWI4,+\nFKH1,MBP1,+\n"
    "FKH1,FKH1,-\n"
)
VALUES = np.random.default_rng(0).uniform(2, 9, (len(TIMES), len(GENES))).round(3)
TIME_ROW = "time\t" + "\t".join(map(str, TIMES)) + "\n"
PARTNERS = "protein1\tprotein2\tscore\nMBP1\tSWI4\t990\nSWI4\tABC1\t100\n"


def columns(values=VALUES, times=TIMES, genes=GENES, sep=",", head="time"):
    rows = [[head, *genes]]
    rows += [[t, *line] for t, line in zip(times, values.tolist(), strict=True)]
    return "\n".join(sep.join(map(str, row)) for row in rows) + "\n"


def rows(values=VALUES, headers=TIMES, genes=GENES, sep="\t", head="gene"):
    lines = [[head, *headers]]
    lines += [[g, *line] for g, line in zip(genes, values.T.tolist(), strict=True)]
    return "\n".join(sep.join(map(str, line)) for line in lines) + "\n"


def long(values=VALUES, times=TIMES, genes=GENES, sample=None):
    lines = ["gene,hours,value" + (",replicate" if sample else "")]
    lines += [
        f"{gene},{time},{values[i, j]}" + (f",{sample}" if sample else "")
        for j, gene in enumerate(genes)
        for i, time in enumerate(times)
    ]
    return "\n".join(lines) + "\n"


def read(expression, prior=PRIOR_LIST, partners=None, repairs=(), roles=None):
    as_file = lambda text: ("x.csv", text if isinstance(text, bytes) else text.encode())  # noqa: E731
    choices = Choices(frozenset(repairs), roles or {})
    return read_measurements(
        as_file(expression), as_file(prior), as_file(partners) if partners else None, choices
    )


def codes(reading):
    return [one.code for one in reading.findings]


def finding(reading, code):
    return next(one for one in reading.findings if one.code == code)


def keys(reading, code):
    return {repair.key for repair in finding(reading, code).repairs}


def raw_values(reading, sample=0):
    """Values before they were scaled."""
    scaling, scaled = reading.scaling, reading.expression.samples[sample].values
    return scaling.low + scaled * (scaling.high - scaling.low)


def edges(reading):
    genes = reading.prior.genes
    return {
        (genes[i], genes[j]): float(reading.prior.matrix[i, j]) for i, j in reading.prior.edges()
    }


# --- layouts


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (columns(), ""),
        (columns(sep="\t", head="Time [min]"), "min"),
        (columns(sep=";", head="hours"), "h"),
        (columns(times=[f"t{t}" for t in TIMES], head=""), ""),
        (rows(), ""),
        (rows(headers=[f"{t} min" for t in TIMES], head=""), "min"),
        (rows(headers=[f"X{t}" for t in TIMES], sep=","), ""),
        (rows(headers=list("ABCDEF")).replace("SWI4", f"{TIME_ROW}SWI4", 1), ""),
        (long(), "h"),
        ("\ufeff" + columns(), ""),
        (columns().replace("\n", "\r\n"), ""),
        ("# made by a machine\n" + columns(), ""),
        (rows().replace("gene\t", "", 1), ""),  # as R writes it
    ],
)  # fmt: skip
def test_every_layout_gives_the_same_expression(text, unit):
    reading = read(text)
    assert reading.need().expression.genes == GENES
    np.testing.assert_allclose(reading.expression.samples[0].times, TIMES)
    np.testing.assert_allclose(raw_values(reading), VALUES, atol=1e-5)
    assert reading.time_unit == unit
    assert "5 genes × 6 times × 1 sample" in reading.summary


def test_samples_out_of_a_column_a_row_and_headers():
    twice = np.vstack([VALUES, VALUES + 1])
    table = columns(twice, TIMES * 2).splitlines()
    labelled = ["replicate," + table[0]]
    labelled += [f"{'AB'[k // 6]},{line}" for k, line in enumerate(table[1:])]
    header = rows(twice, [f"{t}_rep{r}" for r in (1, 2) for t in TIMES])
    row = rows(twice, list(range(12)), genes=GENES).replace(
        "\nSWI4", "\nsample\t" + "\t".join("AB"[k // 6] for k in range(12)) + "\ntime\t"
        + "\t".join(map(str, TIMES * 2)) + "\nSWI4", 1,
    )  # fmt: skip
    for text in ("\n".join(labelled), header, row):
        reading = read(text)
        assert len(reading.need().expression.samples) == 2
        np.testing.assert_allclose(raw_values(reading, 1), VALUES + 1, atol=1e-5)


def test_long_table_with_samples_in_any_order():
    second = "\n".join(long(VALUES + 1, sample="B").splitlines()[:0:-1])
    reading = read(long(sample="A") + second, repairs=["times:sort"])
    assert [len(one.times) for one in reading.need().expression.samples] == [6, 6]
    np.testing.assert_allclose(raw_values(reading, 1), VALUES + 1, atol=1e-5)


def phoenix(*samples):
    width = max(len(times) for _, times in samples)
    rows = [["5", str(len(samples))]]
    for values, times in samples:
        rows += [[str(x) for x in line] for line in values.T]
        rows.append([str(t) for t in times])
    return "\n".join(",".join(row + [""] * (width - len(row))) for row in rows) + "\n"


def test_files_of_phoenix_take_the_names_of_the_prior():
    text = phoenix((VALUES, TIMES), (VALUES[:3] + 1, TIMES[:3]))
    matrix = np.zeros((5, 5), int)
    matrix[0, 2], matrix[1, 3] = 1, -1
    bare = "\n".join(",".join(map(str, row)) for row in matrix)
    reading = read(text, bare, repairs=["order:expression"])
    assert reading.need().expression.genes[:2] == ("gene 1", "gene 2")
    assert [len(one.times) for one in reading.expression.samples] == [6, 3]
    np.testing.assert_allclose(raw_values(reading), VALUES, atol=1e-5)
    np.testing.assert_allclose(raw_values(reading, 1), VALUES[:3] + 1, atol=1e-5)
    assert edges(reading) == {("gene 1", "gene 3"): 1, ("gene 2", "gene 4"): -1}
    named = "\n".join(
        ",".join(row) for row in [
            ["", *GENES], *([g, *map(str, line)] for g, line in zip(GENES, matrix, strict=True))
        ]
    )  # fmt: skip
    asked = read(text, named)
    assert keys(asked, "GR-E01") == {"names:the prior, in its order"}
    taken = read(text, named, repairs=keys(asked, "GR-E01"))
    assert edges(taken) == {("SWI4", "CLN2"): 1, ("MBP1", "CLB5"): -1}


def test_preview_and_example():
    files = example_files()
    reading = read(files[EXPRESSION], files[PRIOR])
    data = simulate(num_samples=20)
    assert reading.need().expression.genes == data.train.genes
    np.testing.assert_allclose(reading.prior.matrix, data.prior.matrix)
    np.testing.assert_allclose(
        reading.expression.samples[3].values, data.train.samples[3].values, atol=1e-4
    )
    assert codes(reading) == ["GR-E06"]
    assert list(reading.preview[0]) == ["gene", *(f"t = {t:g}" for t in (0, 0.5, 1, 2, 3, 5))]
    assert reading.preview[1]["gene"] == "TF02"
    first = files[EXPRESSION].decode().splitlines()[1].split(",")
    assert reading.preview[0]["t = 0"] == pytest.approx(float(first[2]), abs=1e-5)
    assert reading.preview[1]["t = 0"] == pytest.approx(float(first[3]), abs=1e-5)
    assert set(to_files(data)) == {EXPRESSION, PRIOR}


# --- priors


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        (PRIOR_LIST, True),
        (PRIOR_LIST.replace("+", "1").replace("-", "-1"), True),
        (PRIOR_LIST.replace("+", "activation").replace("-", "Repression"), True),
        (PRIOR_LIST.split("\n", 1)[1].replace(",", "\t"), True),
        ("".join(f"{r}\t{'activates' if s == '+' else 'inhibits'}\t{t}\n" for r, t, s in
                 (line.split(",") for line in PRIOR_LIST.splitlines()[1:])), True),
    ],
)  # fmt: skip
def test_edge_lists(text, signed):
    reading = read(columns(), text)
    assert reading.need().prior.signed is signed
    assert edges(reading) == {
        ("SWI4", "CLN2"): 1, ("MBP1", "CLB5"): -1, ("SWI4", "CLB5"): 1, ("FKH1", "SWI4"): 1,
        ("FKH1", "MBP1"): 1, ("FKH1", "FKH1"): -1,
    }  # fmt: skip


def test_columns_of_a_prior_go_by_their_names():
    text = "gene;TF;note;motif score\nCLN2;SWI4;a;0.5\nCLB5;MBP1;b;0.25\nMBP1;FKH1;c;1\n"
    reading = read(columns(), text)
    assert edges(reading) == {("SWI4", "CLN2"): 1, ("MBP1", "CLB5"): 1, ("FKH1", "MBP1"): 1}
    weighted = read(columns(), text, roles={"prior/motif score": "weight"})
    assert edges(weighted)["MBP1", "CLB5"] == 0.25
    assert not weighted.prior.signed
    assert weighted.columns["prior"] == {
        "gene": "target", "TF": "regulator", "note": "ignore", "motif score": "weight",
    }  # fmt: skip


def test_named_matrix_is_put_into_the_order_of_the_genes():
    """The trap of SIM350: a matrix in another order than the names."""
    order = ("CLB5", "FKH1", "SWI4", "CLN2", "MBP1")
    matrix = np.zeros((5, 5), int)
    matrix[2, 3] = 1  # SWI4 to CLN2
    matrix[4, 0] = -1  # MBP1 to CLB5
    table = "\n".join(
        "\t".join(map(str, row))
        for row in [["", *order], *([g, *line] for g, line in zip(order, matrix, strict=True))]
    )
    reading = read(columns(), table)
    assert edges(reading) == {("SWI4", "CLN2"): 1, ("MBP1", "CLB5"): -1}
    some_rows = "\n".join(table.splitlines()[k] for k in (0, 3, 5))  # regulators only
    assert edges(read(columns(), some_rows)) == edges(reading)


def test_matrix_without_names_asks_for_its_order():
    matrix = np.zeros((5, 5), int)
    matrix[0, 2] = 1
    text = "\n".join(",".join(map(str, row)) for row in matrix)
    asked = read(columns(), text)
    assert asked.expression is None
    assert finding(asked, "GR-E18").hint == (
        "Is its order that of the expression (SWI4, MBP1, CLN2, …)?"
    )
    assert edges(read(columns(), text, repairs=keys(asked, "GR-E18"))) == {("SWI4", "CLN2"): 1}
    wrong = read(columns(), "\n".join(text.splitlines()[:4]))
    assert "4 rows and 5 columns" in finding(wrong, "GR-E18").problem
    other = read(columns(), "0,1,0,0\n" * 4)
    assert "4 × 4 without names; there are 5 genes" in finding(other, "GR-E18").problem


def test_prior_the_wrong_way_round():
    text = "".join(f"{gene}\tSWI4\n" for gene in GENES[1:])
    reading = read(columns(), text)
    assert finding(reading, "GR-E24").problem == "4 regulators and only 1 target."
    turned = read(columns(), text, repairs=keys(reading, "GR-E24"))
    assert {regulator for regulator, _ in edges(turned)} == {"SWI4"}
    assert "GR-E24" not in codes(turned)


def test_edges_given_twice():
    text = PRIOR_LIST + "SWI4,CLN2,-\nMBP1,CLB5,-\n"
    reading = read(columns(), text)
    assert "1 edge of the prior is given" in finding(reading, "GR-E21").problem
    assert edges(reading)["SWI4", "CLN2"] == 1
    strong = PRIOR_LIST.replace("+", "1").replace("-", "-1") + "SWI4,CLN2,-3\n"
    assert edges(read(columns(), strong))["SWI4", "CLN2"] == -3


def test_unknown_signs_make_the_prior_unsigned():
    reading = read(columns(), PRIOR_LIST.replace("CLB5,+", "CLB5,?"))
    assert not reading.need().prior.signed
    assert set(edges(reading).values()) == {1}


def test_signs_by_chance_can_be_dropped():
    data = simulate(120, num_samples=5)
    rng = np.random.default_rng(0)
    files = to_files(data)
    flipped = "\n".join(
        line.rsplit(",", 1)[0] + f",{rng.choice((-0.5, 0.5))}" if k else line
        for k, line in enumerate(files[PRIOR].decode().splitlines())
    )
    reading = read(files[EXPRESSION], flipped)
    assert reading.prior.signed
    dropped = read(files[EXPRESSION], flipped, repairs=keys(reading, "GR-E21"))
    assert not dropped.prior.signed
    assert set(edges(dropped).values()) == {0.5}


def test_partners_are_symmetric_and_only_of_genes_with_data():
    reading = read(columns(), partners=PARTNERS)
    partners = reading.partners
    assert partners.matrix[0, 1] == partners.matrix[1, 0] == 990
    assert partners.num_edges == 2
    assert finding(reading, "GR-E22").problem == "1 of 2 interactions have data for both genes."
    assert "; 1 interaction of proteins" in reading.summary
    none = read(columns(), partners="a\tb\nXXX1\tXXX2\n")
    assert none.partners is None
    assert finding(none, "GR-E22").title == "Partners not used"
    with_species = "4932.SWI4 4932.MBP1 990\n4932.CLN2 4932.CLB5 300\n"
    asked = read(columns(), partners=with_species)
    named = read(columns(), partners=with_species, repairs=keys(asked, "GR-E22"))
    assert named.partners.matrix[2, 3] == 300


# --- what is wrong, code by code


def test_other_names_than_the_prior_gr_e01():
    ids = [f"ENSG00000{k:06}" for k in range(5)]
    reading = read(columns(genes=ids))
    assert reading.expression is None
    assert finding(reading, "GR-E01").problem == (
        "0 of 5 genes are in the prior. Expression uses Ensembl ids such as ENSG00000000000, "
        "ENSG00000000001, the prior uses symbols such as CLB5, CLN2 – convert one of them."
    )
    with pytest.raises(InputError, match="GR-E01"):
        reading.need()


def test_swapping_the_ids_of_the_prior_gives_gr_e01():
    swapped = PRIOR_LIST
    for k, gene in enumerate(GENES):
        swapped = swapped.replace(gene, f"YAL{k:03}W")
    problem = finding(read(columns(), swapped), "GR-E01").problem
    assert "the prior uses systematic yeast names such as YAL000W, YAL001W" in problem


def test_a_second_column_of_names_can_be_taken():
    table = rows().splitlines()
    ids = "\n".join(f"{'orf' if k == 0 else f'YAL{k:03}W'}\t{line}" for k, line in enumerate(table))
    reading = read(ids)
    assert keys(reading, "GR-E01") == {"names:gene"}
    assert finding(reading, "GR-E01").repairs[0].label == "Take the names in gene (5 agree)"
    assert read(ids, repairs=["names:gene"]).need().expression.genes == GENES


def test_case_and_versions_can_be_ignored():
    low = columns(genes=[gene.lower() for gene in GENES])
    reading = read(low)
    assert keys(reading, "GR-E01") == {"fold-names"}
    folded = read(low, repairs=["fold-names"])
    assert folded.need().expression.genes[0] == "swi4"
    assert folded.prior.num_edges == 6


def test_a_few_names_that_agree_are_only_said():
    others = "".join(f"X{k},Y{k},+\n" for k in range(10))
    genes = ("SWI4", "CLN2", "Q1", "Q2", "Q3", "Q4")
    values = np.random.default_rng(1).uniform(2, 9, (6, 6))
    reading = read(columns(values, genes=genes), PRIOR_LIST + others)
    found = finding(reading, "GR-E01")
    assert "2 of 6 genes are in the prior" in found.problem
    assert not found.blocking
    assert reading.need().prior.num_edges == 1


def test_times_that_do_not_increase_gr_e02():
    doubled = columns(np.vstack([VALUES, VALUES + 1]), TIMES * 2)
    asked = read(doubled)
    assert asked.expression is None
    assert finding(asked, "GR-E02").problem == "Time column missing or not increasing (row 8)."
    assert keys(asked, "GR-E02") == {"times:series", "times:sort"}
    series = read(doubled, repairs=["times:series"])
    assert len(series.need().expression.samples) == 2
    np.testing.assert_allclose(raw_values(series, 1), VALUES + 1, atol=1e-5)
    again = read(doubled, repairs=["times:sort"])
    assert keys(again, "GR-E02") == {"times:mean"}
    mean = read(doubled, repairs=["times:mean"])
    np.testing.assert_allclose(raw_values(mean), VALUES + 0.5, atol=1e-5)
    assert mean.expression.samples[0].times.tolist() == list(TIMES)


def test_mixed_up_times_are_sorted_on_request():
    order = [3, 0, 5, 1, 2, 4]
    mixed = rows(VALUES[order], [TIMES[k] for k in order])
    assert "(column 3)" in finding(read(mixed), "GR-E02").problem
    np.testing.assert_allclose(raw_values(read(mixed, repairs=["times:sort"])), VALUES, atol=1e-5)


def test_without_times():
    for text in (rows(headers=list("ABCDEF")), columns(times=list("ABCDEF"), head="")):
        reading = read(text)
        assert finding(reading, "GR-E02").problem == "Time column missing or not increasing."
        ordered = read(text, repairs=keys(reading, "GR-E02"))
        assert ordered.need().expression.samples[0].times.tolist() == [0, 1, 2, 3, 4, 5]
        np.testing.assert_allclose(raw_values(ordered), VALUES, atol=1e-5)


def test_a_missing_time_is_named():
    reading = read(columns().replace("\n10,", "\n,"))
    assert finding(reading, "GR-E02").problem == "Time column missing or not increasing (row 4)."
    assert "(row 3)" in finding(read(long().replace(",5,", ",,", 1)), "GR-E02").problem


def test_the_column_of_times_can_be_chosen():
    text = columns(head="elapsed")
    reading = read(text, roles={"expression/elapsed": "time"})
    assert reading.need().expression.genes == GENES
    with pytest.raises(InputError, match="GR-E23"):
        read(text, roles={"expression/elapsed": "clock"})


def test_a_very_long_gap_in_time_gr_e25():
    times = (*TIMES[:5], 10**6)
    asked = read(columns(times=times))
    assert finding(asked, "GR-E25").problem == (
        "The longest step in time is 1e+06, the median one 5."
    )
    assert asked.expression is None
    split = read(columns(times=times), repairs=keys(asked, "GR-E25"))
    assert [len(one.times) for one in split.need().expression.samples] == [5]
    both = columns(np.vstack([VALUES, VALUES]), (*TIMES, *(10**6 + t for t in TIMES)))
    parts = read(both, repairs=["gap:split"]).need().expression.samples
    assert [one.times[0] for one in parts] == [0, 10**6]


def test_negative_values_gr_e03():
    asked = read(columns(VALUES - 5.2))
    found = finding(asked, "GR-E03")
    assert found.problem.startswith("Negative expression values found (min -3.")
    assert found.problem.endswith("Are these log values?")
    assert found.repairs[0].label == "Yes, log"
    log = read(columns(VALUES - 5.2), repairs=["negative:log"])
    np.testing.assert_allclose(raw_values(log), VALUES - 5.2, atol=1e-5)
    number = int((VALUES - 5.2 < 0).sum())
    assert found.repairs[1].label == f"No, leave out {number} values"
    out = read(columns(VALUES - 5.2), repairs=["negative:missing"])
    assert np.isnan(out.expression.samples[0].values).sum() == number
    assert f"{number} values missing" in finding(out, "GR-E11").problem


def test_too_few_times_gr_e04():
    reading = read(columns(VALUES[:4], TIMES[:4]))
    assert finding(reading, "GR-E04").problem.startswith("Fewer than 5 time points (4 at most")
    assert reading.expression is None
    lone = "sample," + columns().replace("\n", "\nA,").removesuffix("A,") + "B,3" + ",4" * 5
    found = read(lone)
    assert len(found.need().expression.samples) == 1
    assert finding(found, "GR-E04").problem == "1 sample with a single time."


def test_prior_edges_without_data_gr_e05_and_targets_without_prior_gr_e06():
    reading = read(columns(), PRIOR_LIST + "TP53,CLN2,+\nTP53,CLB5,+\nSWI4,ABC1,+\n")
    found = finding(reading, "GR-E05")
    assert found.problem == 'Prior edge from a gene without data: "TP53" (2 edges ignored).'
    assert found.hint == "3 of 9 edges are ignored in all."
    few = read(columns(), "SWI4,CLN2\nMBP1,CLB5\n")
    assert finding(few, "GR-E06").text.startswith(
        "GR-E06 · Targets without prior. Prior has no edges for 3 targets; they are learned"
    )
    assert "GR-E06" not in codes(read(columns()))


def test_too_many_genes_gr_e08(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_GENES", 3)
    asked = read(columns())
    assert finding(asked, "GR-E08").problem == (
        "Too many genes for this server (5; limit 3 here, GPU recommended)."
    )
    assert asked.expression is None
    chosen = read(columns(), repairs=keys(asked, "GR-E08"))
    most = np.sort(np.argsort(-VALUES.var(0))[:3])
    assert chosen.need().expression.genes == tuple(GENES[k] for k in most)


def test_genes_given_twice_gr_e09():
    genes = ("SWI4", "MBP1", "CLN2", "CLB5", "SWI4")
    asked = read(columns(genes=genes))
    assert "1 row with the name of another gene, such as SWI4" in finding(asked, "GR-E09").problem
    mean = read(columns(genes=genes), repairs=["twice:mean"])
    np.testing.assert_allclose(raw_values(mean)[:, 0], (VALUES[:, 0] + VALUES[:, 4]) / 2, atol=1e-5)
    first = read(columns(genes=genes), repairs=["twice:first"])
    np.testing.assert_allclose(raw_values(first), VALUES[:, :4], atol=1e-5)
    again = long() + "SWI4,0,4.5\n"
    assert "1 row repeats a gene at the same time" in finding(read(again), "GR-E09").problem
    mean = read(again, repairs=["twice:mean"])
    assert raw_values(mean)[0, 0] == pytest.approx((VALUES[0, 0] + 4.5) / 2, abs=1e-5)


def test_missing_values_stay_missing_gr_e11():
    text = columns().replace(str(VALUES[2, 1]), "NA").replace(str(VALUES[3, 4]), "")
    reading = read(text)
    values = reading.need().expression.samples[0].values
    assert np.argwhere(np.isnan(values)).tolist() == [[2, 1], [3, 4]]
    assert finding(reading, "GR-E11").problem == "2 values missing (6.7%)."
    empty = VALUES.copy()
    empty[:, 4] = np.nan
    reading = read(columns(empty))
    assert reading.need().expression.genes == GENES[:4]
    assert "1 gene without any value, such as FKH1" in finding(reading, "GR-E11").problem


def test_decimal_commas_gr_e12():
    text = columns(sep=";").replace(".", ",")
    asked = read(text)
    assert keys(asked, "GR-E12") == {"decimal-comma"}
    assert asked.expression is None
    np.testing.assert_allclose(raw_values(read(text, repairs=["decimal-comma"])), VALUES, atol=1e-5)
    wrong = read(columns().replace(str(VALUES[2, 1]), "high"))
    assert finding(wrong, "GR-E12").problem == ('Not a number in row 4 of x.csv, column 3: "high".')


def test_values_are_scaled_gene_by_gene_gr_e14():
    reading = read(columns())
    scaled = reading.need().expression.samples[0].values
    np.testing.assert_allclose(scaled.min(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.max(0), 1, atol=1e-6)
    assert finding(reading, "GR-E14").hint == "Each gene was scaled to 0 to 1."
    unit = read(columns(VALUES / 9))
    assert "GR-E14" not in codes(unit)
    np.testing.assert_allclose(unit.expression.samples[0].values, VALUES / 9, atol=1e-6)


def test_counts_may_become_logarithms_gr_e16():
    counts = VALUES.copy()
    counts[3] *= 1000
    asked = read(columns(counts))
    assert keys(asked, "GR-E16") == {"log:yes"}
    log = read(columns(counts), repairs=["log:yes"])
    assert log.scaling.log
    np.testing.assert_allclose(raw_values(log), np.log2(1 + counts), atol=1e-4)


def test_very_many_times_are_averaged_and_said_gr_e28():
    values = np.random.default_rng(2).uniform(2, 9, (400, 5)).round(3)
    reading = read(columns(values, range(400)))
    assert finding(reading, "GR-E28").text == (
        "GR-E28 · Many times. Up to 400 times in one sample. Neighbouring ones are averaged to "
        "100 times."
    )
    np.testing.assert_allclose(raw_values(reading)[0], values[:4].mean(0), atol=1e-5)
    assert "GR-E28" not in codes(read(columns(values[:100], range(100))))


def test_rows_that_do_not_fit_and_constant_genes():
    constant = VALUES.copy()
    constant[:, 3] = 4
    reading = read(columns(constant) + "30,1,2\n")
    assert "1 row with another number of cells" in finding(reading, "GR-E15").problem
    assert "1 gene with the same value everywhere, such as CLB5" in (
        finding(reading, "GR-E17").problem
    )
    assert reading.need().expression.genes == ("SWI4", "MBP1", "CLN2", "FKH1")


def test_other_layout_problems():
    assert "no names of genes" in finding(read("0,5,10\n1,2,3\n4,5,6\n"), "GR-E13").problem
    assert finding(read("a,b\nc,d\ne,f\n"), "GR-E13").title == "No values"
    noted = columns(head="time").replace("time,", "time,treatment,")
    noted = "\n".join(
        line if k == 0 else line.replace(",", ",control,", 1)
        for k, line in enumerate(noted.splitlines())
    )
    reading = read(noted)
    assert finding(reading, "GR-E13").problem == "treatment: no numbers there."
    assert reading.need().expression.genes == GENES
    assert finding(read(columns(), "SWI4\nMBP1\n"), "GR-E19").blocking
    assert "GR-E26" in codes(reading)  # six times are few


def test_choices_exclude_one_another_and_can_be_taken_back():
    choices = Choices().with_repair("times:sort").with_repair("fold-names")
    choices = choices.with_repair("times:mean")
    assert choices.repairs == {"times:mean", "fold-names"}
    assert choices.with_repair("fold-names").repairs == {"times:mean"}
    choices = choices.with_role("prior/TF", "regulator")
    assert Choices.from_json(json.loads(json.dumps(choices.to_json()))) == choices


# --- hostile files


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UP-E05"),
        (b"\n\n  \n", "UP-E05"),
        (b"\x80\x04\x95" + b"x" * 40, "UP-E07"),
        (b"PK\x03\x04" + b"\x00" * 100, "UP-E02"),
        (b"\x7fELF" + b"\x00" * 100, "UP-E02"),
        (b"gene,0,5\n\xff\xfe\x00a,1,2\n", "UP-E0"),
        (b"a,b\n" * (6 * 2**20), "UP-E01"),
        (b"a\n" * 500_002, "UP-E06"),
        (b"," * 20_001 + b"\n" + b"," * 20_001, "UP-E02"),
    ],
)
def test_refused_files(place, content, code):
    files = [(f"{text[:5]}.csv", text.encode()) for text in (columns(), PRIOR_LIST, PARTNERS)]
    files[place] = ("x.csv", content)
    with pytest.raises(InputError, match=code):
        read_measurements(*files)


def test_a_table_that_would_fill_the_memory_is_refused():
    lines = "".join(f"g{k},{k},1\n" for k in range(3000))
    with pytest.raises(InputError, match="UP-E06 · Too many values"):
        read("gene,time,value\n" + lines)
    with pytest.raises(InputError, match=r"UP-E06 · .* x\.csv has about 6,000,500 cells"):
        read("gene\n" + "a" + ("," * 12_001 + "\n") * 500)


CELL = st.one_of(
    st.sampled_from(["gene", "time", "sample", "value", "", "NA", "1e999", "-1e39", "0,5", "-", '"',
                     "SWI4", "CLN2", "t5", "0h_rep1", "nan", "inf", "=cmd()", "\u202e", "𝟙", "²"]),
    st.floats(allow_nan=True).map(str),
    st.text(max_size=4),
)  # fmt: skip
TABLE = st.lists(st.lists(CELL, min_size=1, max_size=7), min_size=1, max_size=9)
KEYS = (
    "times:order", "times:series", "times:sort", "times:mean", "negative:log", "negative:missing",
    "twice:mean", "twice:first", "decimal-comma", "log:yes", "fold-names", "order:expression",
    "swap-prior", "unsigned-prior", "variable", "gap:split",
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(TABLE, TABLE, st.sampled_from([",", "\t", ";"]), st.sets(st.sampled_from(KEYS)))
def test_any_text_is_read_or_refused_with_a_code(expression, prior, sep, repairs):
    texts = ["\n".join(sep.join(row) for row in table) for table in (expression, prior)]
    for pair in (texts, (columns(), texts[1]), (texts[0], PRIOR_LIST)):
        reading = attempt(*(text.encode("utf-8", "replace") for text in pair), repairs=repairs)
        if reading is None:
            continue
        assert (reading.expression is None) == any(one.blocking for one in reading.findings)
        if reading.expression is not None:
            values = np.concatenate([one.values for one in reading.expression.samples])
            assert np.nanmax(np.abs(values)) < 1e6
            assert reading.prior.genes == reading.expression.genes
            assert np.isfinite(reading.prior.matrix).all()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(content):
    attempt(content, PRIOR_LIST.encode())
    attempt(columns().encode(), content)


def attempt(expression, prior, repairs=()):
    """The reading, None for a refusal with a code; anything else raises."""
    try:
        return read(expression, prior, repairs=repairs)
    except InputError as error:
        if not error.code.startswith("UP-"):
            raise
        return None
