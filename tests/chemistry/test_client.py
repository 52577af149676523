"""Workers that hang, crash or eat memory fail one request and nothing else."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from core.chemistry.client import Workers
from core.errors import InputError
from core.settings import ROOT

ODD = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; "
    f"runpy.run_path({str(Path(__file__).with_name('odd_worker.py'))!r}, run_name='__main__')",
)


@pytest.fixture
def workers():
    workers = Workers(ODD, num=1, limit_s=1.0)
    workers.ask("sleep", seconds=0)  # started
    yield workers
    workers.close()


def read(workers):
    return workers.ask("read", text="OCC", strip_salts=True)["smiles"]


def wait_until(condition, limit_s=5.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_request_over_the_limit_is_ended_and_the_next_one_answered(workers):
    before = workers.pids
    start = time.monotonic()
    with pytest.raises(InputError, match="took longer than 1 s") as caught:
        workers.ask("sleep", seconds=30)
    assert time.monotonic() - start < 3
    assert caught.value.code == "MO-E10"
    assert not psutil.pid_exists(before[0])
    assert read(workers) == "CCO"
    assert workers.pids != before


def test_a_killed_worker_fails_only_the_request_in_its_hands(workers):
    workers._limit_s = 20
    (pid,) = workers.pids
    outcome = []

    def hang():
        with pytest.raises(InputError) as caught:
            workers.ask("sleep", seconds=15)
        outcome.append(caught.value)

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    thread.join(5)
    assert [error.code for error in outcome] == ["MO-E10"]
    assert "restarted" in outcome[0].problem
    assert read(workers) == "CCO"


def test_a_worker_that_died_while_idle_is_replaced_without_an_error(workers):
    (pid,) = workers.pids
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    assert read(workers) == "CCO"


def test_memory_is_limited(workers):
    assert workers.ask("eat", megabytes=100) == 100 << 20
    with pytest.raises(InputError, match="more memory than is allowed"):
        workers.ask("eat", megabytes=2000)
    assert read(workers) == "CCO"


def test_what_a_library_prints_does_not_come_between_the_answers(workers):
    assert workers.ask("chatter", text='{"value": 7}\n') == '{"value": 7}\n'
    assert read(workers) == "CCO"


def test_a_worker_loads_neither_torch_nor_streamlit(workers):
    loaded = {name.partition(".")[0] for name in workers.ask("modules")}
    assert "rdkit" in loaded
    assert loaded & {"torch", "streamlit", "pandas", "onnxruntime", "sqlite_utils"} == set()


def test_many_threads_get_their_own_answers():
    workers = Workers(num=2)
    lengths = list(range(1, 41))
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda n: workers.ask("read", text="C" * n, strip_salts=True)["smiles"], lengths
            )
        )
    assert found == ["C" * n for n in lengths]
    assert len(workers.pids) <= 2
    workers.close()
    assert workers.pids == []


def test_an_error_of_the_function_is_raised_and_the_worker_stays(workers):
    before = workers.pids
    with pytest.raises(InputError) as caught:
        workers.ask("read", text="CC(C)(C)(C)C", strip_salts=True)
    assert caught.value.code == "MO-E01"
    assert workers.pids == before


def test_a_worker_ends_with_its_server():
    script = (
        "from core.chemistry.client import Workers; import os\n"
        "workers = Workers(num=1)\n"
        "workers.ask('read', text='C', strip_salts=True)\n"
        "print(workers.pids[0], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    pid = int(done.stdout)
    wait_until(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    )
