import numpy as np
import pytest

from core.data.physics.findings import Choices
from core.data.physics.tracks import Track, neighbours, smooth, window_frames
from core.data.physics.uploads import read_measurements

RATE = 25
TIMES = np.arange(100) / RATE


def circling(number=4):
    """(objects, frames, 2) m: circles of known acceleration around different centres."""
    phase = np.arange(number)[:, None]
    angle = 1.5 * TIMES + phase
    return np.stack([np.cos(angle) + 3 * phase, np.sin(angle)], axis=2)


def table(places, header="id,frame,x,y", scale=1.0, order=("id", "frame"), first=0):
    """One line for each object and frame."""
    lines = [header] if header else []
    for name, place in enumerate(places):
        for frame, (x, y) in enumerate(place):
            ids = {"id": name + 1, "frame": frame + first}
            cells = [ids[order[0]], ids[order[1]], x * scale, y * scale]
            lines.append(",".join(map(str, cells)))
    return "\n".join(lines)


def read(text, *repairs, **choices):
    choices = {"frame_rate": RATE, "length_unit": "m", "window": 0.4, "radius": 4.0} | choices
    return read_measurements(
        [("tracks.csv", text.encode())], Choices(repairs=frozenset(repairs), **choices)
    )


def finding(reading, code):
    return next(one for one in reading.findings if one.code == code)


def test_acceleration_of_circles():
    reading = read(table(circling()))
    assert (reading.kind, reading.findings) == ("trajectory", ())
    system = reading.need()
    half = window_frames(0.4, 1 / RATE) // 2
    assert system.num_graphs == len(TIMES) - 2 * half
    assert system.num_nodes == 4 * system.num_graphs
    centre = np.tile(np.stack([3 * np.arange(4), np.zeros(4)], axis=1), (system.num_graphs, 1))
    inward = centre - system.nodes["x"].values
    np.testing.assert_allclose(system.target.values, 1.5**2 * inward, atol=0.03)
    velocity = system.nodes["v"]
    assert (velocity.role, velocity.unit, system.target.unit) == (
        "velocity", "m s^-1", "m s^-2",
    )  # fmt: skip
    np.testing.assert_allclose(np.linalg.norm(velocity.values, axis=1), 1.5, atol=0.01)


def test_smoothing_is_exact_for_cubics():
    times = np.arange(30) * 0.1
    places = np.stack([times**3 - times, 2 * times**2], axis=1)
    track = Track("a", np.arange(30), places, np.zeros((30, 0)))
    place, velocity, acceleration = smooth(track, 9, 0.1)
    np.testing.assert_allclose(place, places, atol=1e-10)
    np.testing.assert_allclose(velocity, np.stack([3 * times**2 - 1, 4 * times], 1), atol=1e-9)
    np.testing.assert_allclose(acceleration, np.stack([6 * times, 4 + 0 * times], 1), atol=1e-8)


def test_preview_shows_raw_beside_smoothed():
    noisy = circling() + 0.01 * np.random.default_rng(0).standard_normal((4, 100, 2))
    preview = read(table(noisy)).preview
    assert len(preview) == 3
    true = circling()[int(preview[0].name) - 1]
    np.testing.assert_array_equal(preview[0].raw, noisy[int(preview[0].name) - 1])
    assert np.abs(preview[0].smooth - true).std() < 0.7 * np.abs(preview[0].raw - true).std()
    assert preview[0].times[1] - preview[0].times[0] == pytest.approx(1 / RATE)


@pytest.mark.parametrize("nearest", [0, 2])
def test_neighbours(nearest):
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], [6, 1, 5])
    places = rng.random((12, 2))
    sender, receiver = neighbours(places, group, 0.5, nearest, np.zeros(2))
    expected = []
    for i in range(12):
        others = [j for j in range(12) if j != i and group[j] == group[i]]
        others.sort(key=lambda j, i=i: np.linalg.norm(places[i] - places[j]))
        if nearest:
            expected += sorted((i, j) for j in others[:nearest])
        else:
            near = [j for j in others if np.linalg.norm(places[i] - places[j]) < 0.5]
            expected += sorted((i, j) for j in near)
    assert list(zip(receiver.tolist(), sender.tolist(), strict=True)) == expected


def test_frames_are_chosen_evenly():
    system = read(table(circling()), num_frames=10).need()
    assert system.num_graphs == 10


def test_the_unit_of_length_is_asked_when_speeds_make_no_sense():
    centimetres = table(circling(), scale=100)
    asked = read(centimetres, length_unit="")
    assert finding(asked, "PH-E25").blocking
    assert "move at 150 m/s" in finding(asked, "PH-E25").text
    system = read(centimetres, "unit:cm", length_unit="").need()
    np.testing.assert_allclose(np.linalg.norm(system.nodes["v"].values, axis=1), 1.5, atol=0.01)
    named = read(table(circling(), "id,frame,x/cm,y/cm", 100), length_unit="")
    assert named.findings == ()


def test_slow_objects_are_taken_as_metres_and_it_is_said():
    reading = read(table(circling()), length_unit="")
    assert not finding(reading, "PH-E25").blocking
    assert reading.system is not None


def test_the_frame_rate_is_asked():
    asked = read(table(circling()), frame_rate=0.0)
    assert finding(asked, "PH-E27").blocking
    assert "fps:25" in [one.key for one in finding(asked, "PH-E27").repairs]
    answered = read(table(circling()), "fps:25", frame_rate=0.0)
    commented = read("# framerate: 25.00 fps\n" + table(circling()), frame_rate=0.0)
    for reading in (answered, commented):
        np.testing.assert_array_equal(
            reading.need().target.values, read(table(circling())).need().target.values
        )


def test_time_in_seconds_needs_no_rate():
    lines = ["id,time [s],x,y"]
    for name, place in enumerate(circling()):
        lines += [f"{name},{time},{x},{y}" for time, (x, y) in zip(TIMES, place, strict=True)]
    reading = read("\n".join(lines), frame_rate=0.0)
    assert reading.findings == ()
    assert reading.need().num_graphs == 92


@pytest.mark.parametrize("order", [("id", "frame"), ("frame", "id")])
def test_order_of_columns_without_a_header(order):
    reading = read(table(circling(), header="", order=order))
    assert f"first column is taken as {order[0]}" in finding(reading, "PH-E26").text
    np.testing.assert_array_equal(
        reading.need().target.values, read(table(circling())).need().target.values
    )
    turned = read(table(circling(), header="", order=order), "swap-id-frame")
    assert f"first column is taken as {order[1]}" in finding(turned, "PH-E26").text


def test_headers_that_exchange_id_and_frame():
    wrong = table(circling(), header="frame,id,x,y")
    assert "not exchanged" in finding(read(wrong), "PH-E26").text
    system = read(wrong, "swap-id-frame").need()
    assert system.num_nodes == 4 * system.num_graphs


def test_missing_frames_cut_tracks():
    lines = table(circling()).splitlines()
    del lines[1 + 50 : 1 + 52]  # two frames of the first object
    reading = read("\n".join(lines))
    assert "1 gap in the tracks" in finding(reading, "PH-E28").text
    whole = read(table(circling())).need()
    half = window_frames(0.4, 1 / RATE) // 2
    assert reading.need().num_nodes == whole.num_nodes - 2 - 2 * half
    bridged = read("\n".join(lines), "resample")
    assert bridged.need().num_nodes == whole.num_nodes
    assert "were interpolated" in finding(bridged, "PH-E28").text


def test_irregular_times():
    rng = np.random.default_rng(0)
    lines = ["id,time,x,y"]
    for name in range(4):
        times = TIMES + rng.uniform(-0.4, 0.4, 100) / RATE
        lines += [f"{name},{t},{np.cos(t) + name},{np.sin(t)}" for t in times]
    reading = read("\n".join(lines), frame_rate=0.0)
    assert any("uneven step" in one.text for one in reading.findings)
    assert reading.system is None
    system = read("\n".join(lines), "resample", frame_rate=0.0).need()
    assert np.abs(np.linalg.norm(system.nodes["v"].values, axis=1) - 1).max() < 0.1


def test_an_id_that_is_used_again():
    places = circling()
    later = table(places[:1], header="", first=500).replace("\n", "\n")
    reading = read(table(places) + "\n" + later)
    assert "1 object absent for more than 5 s" in finding(reading, "PH-E29").text


def test_a_periodic_box():
    time = TIMES[:, None]
    lines = ["id,frame,x,y"]
    for name in range(5):
        place = [name * 0.8, 0.3 * name] + time * [1.5, 0.0]
        lines += [f"{name},{f},{x % 4},{y}" for f, (x, y) in enumerate(place)]
    text = "\n".join(lines)
    repair = finding(read(text, radius=1.0), "PH-E22").repairs[0].key
    assert repair.endswith(",0")  # open along y
    system = read(text, "periodic:4,0", radius=1.0).need()
    np.testing.assert_allclose(system.nodes["v"].values, [[1.5, 0]] * system.num_nodes, atol=1e-9)
    assert system.period[0] == 4
    assert system.distance.max() <= 1
    # 0.8 and 0.3 m apart along a ring that is open between the last and the first
    assert system.num_edges == 8 * system.num_graphs


def test_an_object_twice_in_a_frame():
    lines = table(circling()).splitlines()
    reading = read("\n".join([*lines, lines[5]]))
    assert finding(reading, "PH-E15")
    assert reading.need().num_nodes == read(table(circling())).need().num_nodes


def test_tracks_shorter_than_the_window():
    reading = read(table(circling()), window=10.0)
    assert finding(reading, "PH-E07").blocking
    assert read(table(circling()), window=0.01).findings[-1].code == "PH-E32"


def test_further_columns_and_a_flat_height():
    lines = ["id,frame,x,y,z,mass [kg]"]
    for name, place in enumerate(circling()):
        lines += [f"{name},{f},{x},{y},1.7,{name + 1}" for f, (x, y) in enumerate(place)]
    reading = read("\n".join(lines))
    assert "third coordinate" in finding(reading, "PH-E04").text
    system = reading.need()
    assert system.position.values.shape[1] == 2
    assert system.nodes["mass"].unit == "kg"
    assert system.nodes["mass"].values[:4, 0].tolist() == [1, 2, 3, 4]


def test_columns_can_be_chosen():
    text = table(circling(), header="who,when,east,north")
    roles = {"who": "node", "when": "time", "east": "position", "north": "position"}
    chosen = {f"tracks/{name}": role for name, role in roles.items()}
    reading = read(text, roles=chosen, kind="trajectory")
    assert reading.need().num_graphs == 92
    assert read(text, kind="trajectory").findings[0].blocking
