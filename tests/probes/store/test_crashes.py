"""The store: crashes and other processes lose nothing."""

import os
import signal
import time

import numpy as np
import pytest

from probes import CallableModel, MaskProbe, Store, ask, sample
from tests.helpers.processes import Process, finish

# exact: a store gives back every bit

pytestmark = pytest.mark.xdist_group("forks")  # all are forked from one process


def design(rows=60, seed=0, d=8):
    return sample(MaskProbe(d).features, rows, np.random.default_rng(seed))


RUN = """
    import os, signal, sys
    import numpy as np
    from probes import CallableModel, MaskProbe, Store, ask, sample

    path, log, seed, die_after = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    probe = MaskProbe(10)
    design = sample(probe.features, 200, np.random.default_rng(seed))
    calls = 0

    def function(Z):
        global calls
        if calls == die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        with open(log, "a") as file:
            file.writelines(f"{row.tobytes().hex()}\\n" for row in Z)
        return Z @ np.arange(10.0)

    model = CallableModel(function, "crashing")
    model.batch, model.compared = 8, False  # first contact asks the same inputs alone and in a batch
    print("ready", flush=True)
    sys.stdin.readline()
    answers = ask(model, probe, design, Store(path))
    assert np.array_equal(answers.y[:, 0], design.Z @ np.arange(10.0))
"""


def run(path, log, seed=0, die_after=-1, code=RUN):
    process = Process(code, path, log, seed, die_after)
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def resume(path, seed=0):
    """The same questions from here: how many inputs were asked, each once, and how many were known."""
    asked = []

    def function(Z):
        asked.extend(row.tobytes() for row in Z)
        return Z @ np.arange(10.0)

    questions = design(rows=200, seed=seed, d=10)
    model = CallableModel(function, "crashing")
    model.compared = False
    answers = ask(model, MaskProbe(10), questions, Store(path))
    np.testing.assert_array_equal(answers.y[:, 0], questions.Z @ np.arange(10.0))
    assert len(asked) == len(set(asked)) == answers.cost.rows
    return {row.hex() for row in asked}, answers.cost.reused


def test_after_kill_9_no_answer_is_asked_again(tmp_path):
    path, log = tmp_path / "a.sqlite", tmp_path / "log"
    finish(run(path, log, die_after=5), -signal.SIGKILL)
    paid = log.read_text().split()
    assert len(paid) == 1 + 4 * 8
    finish(run(path, log, die_after=7), -signal.SIGKILL)
    paid = log.read_text().split()
    assert len(paid) == len(set(paid)), "a question was put twice"
    assert 1 + 4 * 8 + 6 * 8 < len(paid) <= 1 + 4 * 8 + 7 * 8
    asked, reused = resume(path)
    assert not asked & set(paid)
    assert reused == len(paid)


def test_kill_9_from_outside_at_any_moment_loses_at_most_the_batch_in_flight(tmp_path):
    path, log = tmp_path / "a.sqlite", tmp_path / "log"
    code = RUN.replace("return Z @", "import time; time.sleep(0.01); return Z @")
    killed = 0
    for wanted in (20, 90):
        process = run(path, log, code=code)
        while process.poll() is None and (not log.exists() or len(log.read_text().split()) < wanted):
            time.sleep(0.002)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate(timeout=60)
    assert killed
    paid = log.read_text().split()
    asked, _ = resume(path)
    assert len(paid) - len(set(paid)) + len(asked & set(paid)) <= 8 * killed


def test_two_processes_lose_nothing(tmp_path):
    path = tmp_path / "a.sqlite"
    logs = [tmp_path / f"log{i}" for i in range(2)]
    processes = [Process(RUN, path, log, seed, -1) for seed, log in enumerate(logs)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        finish(process)
    paid = {line for log in logs for line in log.read_text().split()}
    assert len(Store(path)) == len(paid)
    for seed in range(2):
        assert resume(path, seed)[0] == set()


CROWD = """
    import multiprocessing, sys
    import numpy as np
    from probes import Store, StoreError

    folder, crowd, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(crowd, timeout=60)

    def work(me):
        for i in range(count):
            gate.wait()
            try:
                store = Store(f"{folder}/{i}.sqlite")
                store.put({bytes([me]): np.array([1.0])})
                store.close()
            except StoreError as error:
                print(error, flush=True)

    people = [fork.Process(target=work, args=(me,)) for me in range(crowd)]
    for person in people:
        person.start()
    for person in people:
        person.join()
        assert person.exitcode == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_may_make_a_new_file_at_the_same_moment(tmp_path):
    count, crowd = 80, 4
    assert finish(Process(CROWD, tmp_path, crowd, count)) == ""
    for i in range(count):
        store = Store(tmp_path / f"{i}.sqlite")
        assert len(store) == crowd
        store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own(tmp_path):
    code = """
        import os, sys
        import numpy as np
        from probes import open_store

        path = sys.argv[1]
        open_store(path).put({b"parent": np.array([1.0])})
        children = []
        for me in range(3):
            child = os.fork()
            if child == 0:
                for i in range(30):
                    open_store(path).put({bytes([me, i]): np.array([1.0])})
                os._exit(0)
            children.append(child)
        for i in range(30):
            open_store(path).put({bytes([9, i]): np.array([1.0])})
        assert all(os.waitpid(child, 0)[1] == 0 for child in children)
        print(len(open_store(path)))
    """
    assert finish(Process(code, tmp_path / "a.sqlite")).strip() == "121"
    assert len(Store(tmp_path / "a.sqlite")) == 121
