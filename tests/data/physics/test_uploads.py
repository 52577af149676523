import io
import zipfile

import numpy as np
import pytest

from core.data.physics.files import to_npz, to_tables, to_zip
from core.data.physics.findings import Choices
from core.data.physics.simulators import SIMULATORS, simulate
from core.data.physics.uploads import read_measurements
from core.errors import InputError


def files_of(system, **changes):
    """The tables of a system, some of them with a changed text."""
    tables = to_tables(system)
    for name, change in changes.items():
        tables[f"{name}.csv"] = change(tables[f"{name}.csv"])
    return [(name, text.encode()) for name, text in tables.items()]


def read(files, *repairs, **choices):
    return read_measurements(files, Choices(repairs=frozenset(repairs), **choices))


def codes(reading):
    return [one.code for one in reading.findings]


def finding(reading, code):
    return next(one for one in reading.findings if one.code == code)


def rows(text):
    return [line.split(",") for line in text.splitlines()]


def text(lines):
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def with_column(name, values):
    """A change that appends a column; `values` is a function of the row's number."""

    def change(table):
        head, *body = rows(table)
        return text([[*head, name], *([*one, values(i)] for i, one in enumerate(body))])

    return change


def with_cell(row, column, value):
    def change(table):
        lines = rows(table)
        lines[row][column] = value
        return text(lines)

    return change


def same(left, right):
    """Whether two systems hold the same measurements."""
    for group in ("nodes", "edges", "graphs"):
        one, two = getattr(left, group), getattr(right, group)
        assert list(one) == list(two)
        for name in one:
            assert (one[name].unit, one[name].role) == (two[name].unit, two[name].role)
            np.testing.assert_array_equal(one[name].values, two[name].values)
    for name in ("sender", "receiver", "node_graph"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    np.testing.assert_array_equal(left.target.values, right.target.values)
    assert (left.level, left.target.name, left.target.unit) == (
        right.level, right.target.name, right.target.unit,
    )  # fmt: skip


@pytest.fixture(scope="module")
def springs():
    return simulate("springs", num_graphs=30)


@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize("form", ["tables", "zip", "npz"])
def test_what_is_downloaded_can_be_uploaded(name, form):
    system = simulate(name, num_graphs=40, noise=0.05)
    files = {
        "tables": files_of(system), "zip": [("x.zip", to_zip(system))],
        "npz": [("x.npz", to_npz(system))],
    }[form]  # fmt: skip
    reading = read(files)
    same(system, reading.need())
    assert set(codes(reading)) <= {"PH-E17", "PH-E24"}  # one direction of genes, small resistances


def test_downloads_repeat_byte_by_byte(springs):
    assert to_zip(springs) == to_zip(springs)
    assert to_npz(springs) == to_npz(springs)


def test_units_and_roles_come_from_headers(springs):
    reading = read(files_of(springs))
    shown = {one.key: (one.role, one.quantity, one.unit, one.component) for one in reading.columns}
    assert shown["nodes/m [kg]"] == ("scalar", "m", "kg", 0)
    assert shown["nodes/y [m]"] == ("position", "x", "m", 1)
    assert shown["edges/source"] == ("source", "", "", 0)
    assert shown["targets/a_x [m s^-2]"] == ("vector", "a", "m s^-2", 0)


def test_roles_and_units_can_be_overridden(springs):
    choices = {
        "roles": {"nodes/x [m]": "scalar", "nodes/y [m]": "ignore"},
        "units": {"edges/k [N m^-1]": "N/cm"},
    }
    system = read(files_of(springs), **choices).need()
    assert system.position is None
    assert list(system.nodes) == ["m", "x"]
    assert system.edges["k"].unit == "N/cm"


def test_e01_a_unit_that_is_none(springs):
    choices = {"units": {"nodes/m [kg]": "kg*m/ss"}}
    reading = read(files_of(springs), **choices)
    assert 'Unit not understood. "kg*m/ss" of m [kg]' in finding(reading, "PH-E01").text
    assert reading.need().nodes["m"].unit == ""


def test_choices_survive_json():
    choices = Choices("tables", {"a": "angle"}, {"b": "m"}, frozenset(("both-ways", "fill:x")))
    assert Choices.from_json(choices.to_json()) == choices


def test_a_repair_replaces_another_of_which_only_one_can_hold():
    choices = Choices().with_repair("answer:nodes/m").with_repair("fill:nodes/m")
    changed = choices.with_repair("answer:nodes/x").with_repair("fill:nodes/q")
    assert changed.repairs == {"answer:nodes/x", "fill:nodes/m", "fill:nodes/q"}
    assert changed.with_repair("fill:nodes/m").repairs == {"answer:nodes/x", "fill:nodes/q"}


@pytest.mark.parametrize(
    "wrong",
    [{"window": 0.0}, {"radius": np.nan}, {"frame_rate": -1.0}, {"nearest": 101},
     {"num_frames": 0}, {"kind": "song"}, {"length_unit": "mile"}],
)  # fmt: skip
def test_choices_out_of_range(wrong):
    with pytest.raises(InputError, match="PH-E37"):
        Choices(**wrong)


def test_tables_are_told_apart_by_their_ids(springs):
    tables = to_tables(springs)
    files = [(f"{i}.csv", one.encode()) for i, one in enumerate(tables.values())]
    same(springs, read(files).need())


def test_nodes_without_sample_hold_for_every_sample():
    edges = ["sample,source,target,flow"]
    edges += [f"{s},a,b,{s % 7 + 0.5 * (s % 3)}" for s in range(40)]
    targets = ["sample,y", *(f"{s},{s**0.5}" for s in range(40))]
    nodes = "node,height\na,1\nb,3\n"
    files = [("nodes.csv", nodes), ("edges.csv", "\n".join(edges)),
             ("targets.csv", "\n".join(targets))]  # fmt: skip
    system = read([(name, one.encode()) for name, one in files]).need()
    assert (system.num_graphs, system.num_nodes, system.num_edges) == (40, 80, 40)
    assert system.nodes["height"].values[:4, 0].tolist() == [1, 3, 1, 3]


def test_e03_edge_to_a_missing_node_says_where(springs):
    reading = read(files_of(springs, edges=with_cell(31, 1, "77")))
    assert "edges.csv row 32 uses node 77 of sample" in finding(reading, "PH-E03").text
    assert reading.system is None
    with pytest.raises(InputError, match="PH-E03"):
        reading.need()
    repaired = read(files_of(springs, edges=with_cell(31, 1, "77")), "drop-unknown").need()
    assert repaired.num_edges == springs.num_edges - 1


def test_e03_nodes_counted_from_one(springs):
    def from_one(table):
        head, *body = rows(table)
        return text([head, *([s, int(j) + 1, int(i) + 1, *more] for s, j, i, *more in body)])

    files = files_of(springs, edges=from_one)
    repairs = [one.key for one in finding(read(files), "PH-E03").repairs]
    assert repairs == ["shift:-1", "drop-unknown"]
    same(springs, read(files, "shift:-1").need())


def test_e04_constant_column_is_ignored(springs):
    reading = read(files_of(springs, nodes=with_column("charge", lambda _: 2)))
    assert '"charge" has the same value everywhere' in finding(reading, "PH-E04").text
    same(springs, reading.need())


def test_e05_missing_numbers(springs):
    holes = files_of(springs, nodes=with_cell(1, 2, ""))
    reading = read(holes)
    assert '1 empty cell in "m [kg]" of nodes.csv' in finding(reading, "PH-E05").text
    assert reading.need().num_graphs == springs.num_graphs - 1
    filled = read(holes, "fill:nodes/m [kg]").need()
    assert filled.num_graphs == springs.num_graphs
    masses = springs.nodes["m"].values
    assert filled.nodes["m"].values[0, 0] == np.median(masses[1:])
    assert "m" not in read(holes, "ignore:nodes/m [kg]").need().nodes


def test_e05_missing_targets(springs):
    reading = read(files_of(springs, targets=lambda table: "\n".join(table.splitlines()[:-2])))
    assert "2 nodes without a target" in finding(reading, "PH-E05").text
    assert reading.need().num_graphs == springs.num_graphs - 1


def test_e06_decimal_commas(springs):
    def german(table):
        return table.replace(",", ";").replace(".", ",")

    files = files_of(springs, nodes=german, edges=german, targets=german)
    wrong = finding(read(files), "PH-E06")
    assert 'Not a number in row 2 of nodes.csv, column m [kg]: "' in wrong.text
    assert "Is the comma a decimal comma?" in wrong.text
    assert [one.key for one in wrong.repairs] == ["decimal-comma", "ignore:nodes/m [kg]"]
    same(springs, read(files, "decimal-comma").need())


def test_e06_words(springs):
    files = files_of(springs, nodes=with_column("colour", lambda i: "red" if i % 2 else "blue"))
    wrong = finding(read(files), "PH-E06")
    assert '"blue" (150 such cells)' in wrong.text or '"blue" (75 such cells)' in wrong.text
    same(springs, read(files, "ignore:nodes/colour").need())


def test_e07_too_few_samples():
    few = simulate("springs", num_graphs=2)
    reading = read(files_of(few))
    assert "10 rows in 2 samples for 4 columns" in finding(reading, "PH-E07").text
    assert reading.system is None


def test_texts_of_many_tools(springs):
    tables = to_tables(springs)
    changed = {
        "nodes.csv": "\ufeff" + tables["nodes.csv"].replace("\n", "\r\n"),
        "edges.csv": "# measured on Monday\n" + tables["edges.csv"].replace(",", "\t"),
        "targets.csv": tables["targets.csv"].replace(" [m s^-2]", "").replace(",", "  "),
    }
    system = read([(name, one.encode()) for name, one in changed.items()]).need()
    np.testing.assert_array_equal(system.target.values, springs.target.values)
    assert system.nodes["m"].unit == "kg"


def test_e34_rows_with_another_number_of_cells(springs):
    reading = read(files_of(springs, edges=lambda table: table + "1,2\n"))
    assert "edges.csv: 1 row has another number of cells" in finding(reading, "PH-E34").text
    same(springs, reading.need())


def test_e14_two_tables_of_nodes(springs):
    files = [*files_of(springs), ("nodes-2.csv", to_tables(springs)["nodes.csv"].encode())]
    with pytest.raises(InputError, match="PH-E14"):
        read(files)


def test_e15_a_node_twice(springs):
    files = files_of(springs, nodes=lambda table: table + table.splitlines()[1] + "\n")
    reading = read(files)
    assert "is about the same node of a sample" in finding(reading, "PH-E15").text
    same(springs, reading.need())


def test_e16_self_loops_and_e15_repeated_edges(springs):
    def change(table):
        again = table.splitlines()[1]
        return table + "3,1,1,0.7\n" + again + "\n"

    reading = read(files_of(springs, edges=change))
    assert {"PH-E15", "PH-E16"} == set(codes(reading))
    same(springs, reading.need())


def test_e17_links_listed_once(springs):
    def once(table):
        head, *body = rows(table)
        return text([head, *(one for one in body if one[1] < one[2])])

    files = files_of(springs, edges=once)
    reading = read(files)
    assert "Every link of" in finding(reading, "PH-E17").text
    assert reading.need().num_edges == springs.num_edges / 2
    both = read(files, "both-ways").need()

    def links(system):
        stiffness = system.edges["k"].values[:, 0]
        return sorted(zip(system.sender, system.receiver, stiffness, strict=True))

    assert links(both) == links(springs)


def test_e18_no_edges(springs):
    files = [one for one in files_of(springs) if one[0] != "edges.csv"]
    reading = read(files)
    assert finding(reading, "PH-E18").blocking
    assert read(files, "complete").need().num_edges == 30 * 20


def test_e19_which_is_the_target(springs):
    files = [one for one in files_of(springs) if one[0] != "targets.csv"]
    asked = finding(read(files), "PH-E19")
    assert asked.blocking
    assert [one.key for one in asked.repairs] == [
        "answer:nodes/m", "answer:nodes/x", "answer:edges/k",
    ]  # fmt: skip
    system = read(files, "answer:edges/k").need()
    assert (system.level, system.target.name, system.edges) == ("edge", "k", {})


def test_e35_masses_of_zero(springs):
    files = files_of(springs, nodes=with_cell(2, 2, "-1.5"))
    reading = read(files)
    assert '"m" is zero or negative in 1 row' in finding(reading, "PH-E35").text
    assert read(files, "positive:m").need().num_graphs == springs.num_graphs - 1


def test_e36_degrees():
    system = simulate("kuramoto", num_graphs=30)

    def degrees(unit):
        def change(table):
            head, *body = rows(table)
            head[2] = f"theta{unit}"
            return text([head, *([s, n, np.degrees(float(t)), w] for s, n, t, w in body)])

        return files_of(system, nodes=change)

    told = read(degrees(" [deg]"))
    assert "turned into radians" in finding(told, "PH-E36").text
    asked = read(degrees(""))
    assert [one.key for one in finding(asked, "PH-E36").repairs] == ["degrees:theta"]
    for reading in (told, read(degrees(""), "degrees:theta")):
        theta = reading.need().nodes["theta"]
        assert (theta.unit, theta.role) == ("rad", "angle")
        np.testing.assert_allclose(theta.values, system.nodes["theta"].values, rtol=1e-12)


def test_e22_periodic_box():
    rng = np.random.default_rng(0)
    place = rng.random((40, 30, 2)) * [4, 3]
    nodes, edges, targets = [["sample", "node", "x", "y"]], [["sample", "source", "target"]], []
    targets = [["sample", "node", "a"]]
    for sample in range(40):
        apart = place[sample][:, None] - place[sample]
        apart -= [4, 3] * np.round(apart / [4, 3])
        near = np.argwhere((np.linalg.norm(apart, axis=2) < 0.6) & ~np.eye(30, dtype=bool))
        edges += [[sample, *pair] for pair in near.tolist()]
        nodes += [[sample, i, *one] for i, one in enumerate(place[sample].tolist())]
        targets += [[sample, i, rng.random()] for i in range(30)]
    names = ("nodes.csv", "edges.csv", "targets.csv")
    files = [(name, text(one).encode()) for name, one in
             zip(names, (nodes, edges, targets), strict=True)]  # fmt: skip
    repair = finding(read(files), "PH-E22").repairs[0].key
    system = read(files, repair).need()
    np.testing.assert_allclose(system.period, [4, 3], rtol=0.01)
    assert system.distance.max() < 0.65


def test_open_space_is_not_taken_for_a_box(springs):
    crowd = simulate("gravity", num_graphs=60, num_nodes=12)
    for system in (springs, crowd):
        assert "PH-E22" not in codes(read(files_of(system)))


def test_e23_target_of_the_whole_graph():
    system = simulate("circuit", num_graphs=40)

    def per_node(_):
        body = [
            [graph, node % 5, system.target.values[graph, 0]]
            for node, graph in enumerate(system.node_graph.tolist())
        ]
        return text([["sample", "node", "P [W]"], *body])

    files = files_of(system, targets=per_node)
    reading = read(files)
    assert reading.need().level == "node"
    assert "the same for every node of a sample" in finding(reading, "PH-E23").text
    same(system, read(files, "level:graph").need())


def test_e24_heavy_tail():
    system = simulate("circuit", num_graphs=300)
    system.target.values[7] *= 1000
    reading = read(files_of(system))
    assert "1% of the rows make 100%" in finding(reading, "PH-E24").text
    log = read(files_of(system), "log-target").need()
    np.testing.assert_allclose(log.target.values, np.log(system.target.values))
    assert (log.target.name, log.target.unit) == ("log_P", "1")


def test_e30_isolated_nodes(springs):
    def cut(table):
        head, *body = rows(table)
        return text([head, *(one for one in body if "0" not in one[:3])])

    reading = read(files_of(springs, edges=cut))
    assert "nodes without any edge" in finding(reading, "PH-E30").text


def test_e31_repeated_columns(springs):
    masses = springs.nodes["m"].values[:, 0].tolist()
    reading = read(files_of(springs, nodes=with_column("mass", masses.__getitem__)))
    assert '"mass" has the same numbers as "m"' in finding(reading, "PH-E31").text
    same(springs, reading.need())


def test_the_target_among_the_columns_is_left_out():
    heat = simulate("heat", num_graphs=30)
    rates = heat.target.values[:, 0].tolist()
    reading = read(files_of(heat, nodes=with_column("rate", rates.__getitem__)))
    assert '"rate" is the target itself' in finding(reading, "PH-E31").text
    same(heat, reading.need())


def test_e38_edges_without_ends(springs):
    reading = read(files_of(springs, edges=lambda table: table.replace("source", "flow")))
    assert "edges.csv needs the columns source and target" in finding(reading, "PH-E38").text
    chosen = {"edges/flow": "source", "edges/target": "target"}
    files = files_of(springs, edges=lambda table: table.replace("source", "flow"))
    same(springs, read(files, roles=chosen).need())


def test_a_target_of_edges_without_edges_is_refused():
    node = "sample,node,m\n" + "".join(f"{s},1,{s}\n" for s in range(40))
    files = [("nodes.csv", node.encode()), ("edges.csv", b"sample,source,target,y\n3,1,1,2\n")]
    reading = read(files, "answer:edges/y")
    assert finding(reading, "PH-E07").blocking


def test_rows_for_plain_regression():
    rng = np.random.default_rng(0)
    table = rng.random((40, 3))
    lines = [["mass (kg)", "v [m/s]", "y"], *table.tolist()]
    reading = read([("fall.csv", text(lines).encode())])
    assert reading.kind == "wide"
    assert '"y" is taken' in finding(reading, "PH-E19").text
    system = reading.need()
    assert (system.level, system.num_graphs, system.num_nodes, system.num_edges) == (
        "node", 40, 40, 0,
    )  # fmt: skip
    np.testing.assert_array_equal(system.target.values[:, 0], table[:, 2])
    assert [one.unit for one in system.nodes.values()] == ["kg", "m/s"]
    other = read([("fall.csv", text(lines).encode())], "answer:nodes/mass").need()
    assert list(other.nodes) == ["v", "y"]


def test_names_do_not_clash_with_what_formulas_derive():
    rng = np.random.default_rng(0)
    headers = ["T", "dT", "r", "lambda", "T_i", "θ", "2nd %", "y"]
    lines = [headers, *rng.random((90, 8)).tolist()]
    system = read([("x.csv", text(lines).encode())]).need()
    assert list(system.nodes) == ["T", "dT2", "r2", "lambda2", "T_i2", "theta", "q2nd"]


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return [("x.npz", stream.getvalue())]


def test_dense_npz_with_one_graph():
    rng = np.random.default_rng(0)
    node, edge, glob = rng.random((40, 4, 3)), rng.random((40, 6, 1)), rng.random((40, 2))
    ends = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    arrays = {"node": node, "edge": edge, "global": glob, "edge_index": ends}
    names = np.array(["m [kg]", "x", "y"])
    for target, level in ((rng.random((40, 4, 2)), "node"), (rng.random((40, 6)), "edge"),
                          (rng.random(40), "graph")):  # fmt: skip
        system = read(npz(**arrays, target=target, node_names=names)).need()
        assert (system.level, system.num_graphs, system.num_edges) == (level, 40, 240)
        np.testing.assert_array_equal(system.target.values.ravel(), target.ravel())
        np.testing.assert_array_equal(system.position.values, node[:, :, 1:].reshape(-1, 2))
        np.testing.assert_array_equal(system.edges["e1"].values.ravel(), edge.ravel())
        np.testing.assert_array_equal(system.graphs["u2"].values[:, 0], glob[:, 1])
        assert system.sender[:6].tolist() == ends[0].tolist()


def test_dense_npz_with_a_matrix():
    rng = np.random.default_rng(0)
    adjacency = np.array([[0, 1], [0, 0]])
    system = read(
        npz(node=rng.random((20, 2, 1)), adj=adjacency, target=rng.random((20, 2, 1)))
    ).need()
    assert (system.sender[0], system.receiver[0], system.num_edges) == (0, 1, 20)


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"node": np.zeros((3, 2, 1))}, "UP-E04"),
        ({"node": np.zeros(3), "target": np.zeros(3)}, "UP-E09"),
        ({"node": np.zeros((3, 2, 1)), "target": np.zeros((4, 2))}, "UP-E09"),
        (
            {"node": np.zeros((3, 2, 1)), "target": np.zeros(3), "edge_index": np.zeros((3, 2))},
            "UP-E09",
        ),
        (
            {"node": np.zeros((3, 2, 1)), "target": np.zeros(3), "adj": np.zeros((3, 3))},
            "UP-E09",
        ),
        ({"node": np.array([[None]]), "target": np.zeros(3)}, "UP-E07"),
        ({"node": np.array([["a"]]), "target": np.zeros(3)}, "UP-E09"),
        ({"node": np.zeros((3, 2), complex), "target": np.zeros(3)}, "UP-E07"),
    ],
)
def test_npz_that_does_not_fit(arrays, code):
    with pytest.raises(InputError, match=code):
        read(npz(**arrays))


def test_npz_with_a_lying_header_takes_no_memory():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000, 1000), }"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"12345678"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("node.npy", member)
        archive.writestr("target.npy", member)
    with pytest.raises(InputError, match="UP-E02"):
        read([("x.npz", stream.getvalue())])


def test_a_graph_for_too_many_samples_is_refused_before_memory_is_taken():
    ends = np.zeros((2, 200_000), np.int8)
    with pytest.raises(InputError, match="UP-E06"):
        read(npz(node=np.zeros((1000, 2, 1)), edge_index=ends, target=np.zeros(1000)))
    edges = "source,target\n" + "0,1\n" * 2000
    targets = "sample,y\n" + "".join(f"{i},{i}\n" for i in range(2000))
    files = [("edges.csv", edges.encode()), ("targets.csv", targets.encode())]
    with pytest.raises(InputError, match="UP-E06"):
        read(files)


def test_archives_that_unpack_to_too_much_are_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("nodes.csv", b"0" * (90 * 2**20))
    with pytest.raises(InputError, match="UP-E01"):
        read([("x.zip", stream.getvalue())])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UP-E05"),
        (b"a,b\n", "UP-E05"),
        (b"\x80\x04K\x01.", "UP-E07"),
        (b"\xff\xfea\x00", "UP-E03"),
        (b"%PDF-1.4", "UP-E02"),
        (b"PK\x03\x04broken", "UP-E02"),
        (b"1,2\n" * 300_001, "UP-E06"),
    ],
)
def test_unreadable_files(content, code):
    with pytest.raises(InputError, match=code):
        read([("x.csv", content)])


def test_no_bytes_raise_anything_else(springs):
    rng = np.random.default_rng(0)
    originals = [to_zip(springs), to_npz(springs), to_tables(springs)["edges.csv"].encode()]
    outcomes = set()
    for original in originals:
        for _ in range(40):
            damaged = np.frombuffer(original, np.uint8).copy()
            places = rng.integers(0, len(damaged), 4)
            damaged[places] = rng.integers(0, 256, 4)
            cut = rng.integers(len(damaged) // 2, len(damaged) + 1)
            try:
                outcomes.add(read([("x", damaged[:cut].tobytes())]).system is None)
            except InputError as error:
                outcomes.add(error.code)
    assert len(outcomes) > 1
