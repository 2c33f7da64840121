"""Workers: the same answers, the model sent once to each, a dead worker costs what it was doing and no more."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor

from probes import (
    CallableModel,
    Generator,
    Identity,
    InputError,
    MaskProbe,
    ModelError,
    Store,
    ask,
    distribute,
    sample,
)
from probes.parallel.worker import Outcome
from tests.helpers.checkout import ROOT

# exact: answers are sums of whole numbers

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test module
pytestmark = [
    pytest.mark.xdist_group("servers"),
    pytest.mark.timeout(240),  # engines are others' code: one that waits for ever is named
]


@pytest.fixture(scope="module", autouse=True)
def fresh_processes():
    """Has joblib start its processes here, where nothing says how many threads one may have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        get_reusable_executor().shutdown(wait=True)
        yield


PROBE = MaskProbe(10)
DESIGN = sample(PROBE.features, 300, np.random.default_rng(0))
WEIGHTS = np.arange(10.0)


def linear(Z):
    return Z @ WEIGHTS


class Deadly:
    """A sum that kills the process it runs in: once for every file that it may still make in a folder."""

    def __init__(self, folder, times):
        self.folder, self.times = str(folder), times

    def __call__(self, Z):
        for i in range(self.times):
            try:
                os.close(os.open(f"{self.folder}/{i}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return Z @ WEIGHTS


@contextmanager
def loky():
    with parallel_config("loky"):
        yield


@contextmanager
def dask():
    distributed = pytest.importorskip("dask.distributed", reason="needs iomap[dask]")
    from dask import config
    from distributed.utils import get_mp_context

    # imports once for all its processes; a task is given up with the first worker that dies of it
    options = {"distributed.worker.multiprocessing-method": "forkserver", "distributed.scheduler.allowed-failures": 0}
    with config.set(options):
        get_mp_context().set_forkserver_preload(["distributed", "probes"])
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster),
            parallel_config("dask"),
        ):
            yield


@contextmanager
def ray():
    ray = pytest.importorskip("ray", reason="needs iomap[ray]")
    from ray.util.joblib import register_ray

    # a short path: sockets lie in it; and one of its own, so that nothing is left behind
    with TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=folder)
        register_ray()
        try:
            with parallel_config("ray"):
                yield
        finally:
            ray.shutdown()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", [loky, dask, ray], ids=lambda e: e.__name__)
def test_an_engine_answers_as_one_process_does_ships_once_and_outlives_a_killed_worker(engine, tmp_path, monkeypatch):
    if engine is loky:  # one death is as many as are put up with; the others may lose more than the one that is killed
        monkeypatch.setattr("probes.parallel.worker_pool.DEATHS", 1)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # so that it writes no token into the home folder
    monkeypatch.setenv("RAY_worker_niceness", "0")  # beside other tests, its nice workers hardly run
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for its processes; another environment would be a second set of them
    expected = ask(CallableModel(linear, "f"), PROBE, DESIGN, Store()).y
    with engine():
        with distribute(CallableModel(Deadly(tmp_path, 1), "d"), 2) as workers:
            for _ in range(2):
                answers = ask(workers, PROBE, DESIGN, Store(), False)
                np.testing.assert_array_equal(answers.y, expected)
                assert answers.cost.rows == len(np.unique(DESIGN.Z, axis=0))
        assert len(list(tmp_path.iterdir())) == 1
        assert 1 <= len(workers.shipments) <= 4  # two, and two after the death
        assert set(workers.shipments.values()) == {1}
        if engine is dask:  # joblib's own backend waits for ever for what Dask has given up
            monkeypatch.setattr("probes.parallel.worker_pool.DEATHS", 0)
            fatal = distribute(CallableModel(Deadly(tmp_path, 1000), "fatal"), 2)
            with fatal, pytest.raises(ModelError, match="Workers died 1 times"):
                ask(fatal, PROBE, DESIGN, Store(), False)


def test_workers_that_keep_dying_are_given_up_and_only_the_rest_is_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr("probes.parallel.worker_pool.DEATHS", 0)
    store, fatal = Store(), tmp_path / "fatal"
    fatal.mkdir()
    ask(CallableModel(linear, "d"), PROBE, DESIGN.head(40), store, False)
    known = len(store)  # answers, and that the model was met
    workers = distribute(CallableModel(Deadly(fatal, 1000), "d"), 2)
    with workers, pytest.raises(ModelError, match="Workers died 1 times"):
        ask(workers, PROBE, DESIGN, store, False)
    assert len(store) == known > 30
    with distribute(CallableModel(linear, "d"), 2) as workers:
        answers = ask(workers, PROBE, DESIGN, store, False)
    assert answers.cost.rows == len(np.unique(DESIGN.Z, axis=0)) - (known - 1)
    np.testing.assert_array_equal(answers.y[:, 0], DESIGN.Z @ WEIGHTS)


def test_forks_of_a_process_with_threads_are_refused_before_a_question():
    asked = []
    with parallel_config("multiprocessing"):
        with pytest.raises(InputError, match=r"parallel_config must name an engine that does not.*multiprocessing"):
            ask(distribute(CallableModel(asked.append, "f"), 2), PROBE, DESIGN, Store())
        ask(distribute(CallableModel(linear, "f"), 1), PROBE, DESIGN, Store())  # one worker is this process
    assert not asked


def test_threads_answer_without_the_model_being_sent_and_each_has_its_own_copy():
    class Noting:
        def __init__(self):
            self.seen = set()

        def __call__(self, Z):
            self.seen.add(threading.get_ident())
            return Z @ WEIGHTS

    with parallel_config("threading"), distribute(CallableModel(Noting(), "n"), 2) as workers:
        answers = ask(workers, PROBE, DESIGN, Store(), False)
        assert workers.shipments == {}
        assert threading.get_ident() not in workers.model.function.seen
    np.testing.assert_array_equal(answers.y[:, 0], DESIGN.Z @ WEIGHTS)


def test_identity_unit_and_names_are_those_of_the_model_inside():
    model = CallableModel(lambda Z: pd.DataFrame({"a": Z[:, 0], "b": Z[:, 1]}), "named", unit="points")
    with distribute(model, 2) as workers:
        assert workers.identity() == model.identity()
        answers = ask(workers, PROBE, DESIGN, Store(), False)
    assert (answers.outputs, answers.unit) == (("a", "b"), "points")
    assert distribute(workers) is workers


def test_a_model_that_fails_says_so_and_what_came_before_is_kept(tmp_path):
    def fails(Z):
        if (Z.sum(axis=1) > 8).any():
            raise RuntimeError("too many")
        return Z.sum(axis=1)

    store = Store()
    model = CallableModel(fails, "fails")
    rows = DESIGN.Z[np.argsort(DESIGN.Z.sum(axis=1))]
    ordered = type(DESIGN)(rows, 0)
    with distribute(model, 2) as workers, pytest.raises(ModelError, match="too many"):
        ask(workers, PROBE, ordered, store, False)
    assert len(store) > 50


def test_a_worker_that_ran_out_of_memory_is_not_sent_as_much_again():
    refused = []

    def small(Z):
        if len(Z) > 10:
            refused.append(len(Z))
            raise MemoryError(f"{len(Z)} rows")
        return Z.sum(axis=1)

    many = sample(MaskProbe(14).features, 1500, np.random.default_rng(0))
    with parallel_config("threading"), distribute(CallableModel(small, "small"), 2) as workers:
        answers = ask(workers, MaskProbe(14), many, Store(), False)
    np.testing.assert_array_equal(answers.y[:, 0], many.Z.sum(axis=1))
    assert len(refused) < 20


def test_what_other_workers_are_at_when_one_fails_is_kept():
    bad, answered = DESIGN.Z[2], []

    def slow_but_for_one(Z):
        if (bad == Z).all(axis=1).any():
            raise RuntimeError("not this one")
        time.sleep(0.3)
        answered.append(len(Z))
        return Z.sum(axis=1)

    store, model = Store(), CallableModel(slow_but_for_one, "slow")
    model.compared = False
    with (
        parallel_config("threading"),
        distribute(model, 2) as workers,
        pytest.raises(ModelError, match="not this one"),
    ):
        ask(workers, PROBE, DESIGN, store, False)
    assert len(store) == sum(answered) > 1 and sum(answered) < len(np.unique(DESIGN.Z, axis=0)) // 2


def test_the_error_of_a_batch_is_told_even_if_a_worker_dies_while_others_are_waited_for(monkeypatch):
    def fails_then_dies(jobs):
        next(iter(jobs))
        yield Outcome(0, error=ModelError("the real reason"))
        raise RuntimeError("a worker died")

    with distribute(CallableModel(linear, "f"), 2) as workers:
        monkeypatch.setattr(workers.pool, "_run", fails_then_dies)
        with pytest.raises(ModelError, match="the real reason"):
            workers(DESIGN.Z)


def test_workers_made_before_the_engine_is_chosen_need_not_be_sent():
    lock = threading.Lock()
    workers = distribute(CallableModel(lambda Z: (lock.locked(), Z.sum(axis=1))[1], "locked"), 2)
    with parallel_config("threading"), workers:
        assert len(ask(workers, PROBE, DESIGN, Store(), False).y) == len(DESIGN)


def test_a_model_that_cannot_be_sent_is_refused_by_name():
    lock = threading.Lock()
    model = CallableModel(lambda Z: (lock.locked(), Z.sum(axis=1))[1], "locked")
    with distribute(model, 2) as workers, pytest.raises(InputError, match=r"picklable.*got function lambda\.$"):
        ask(workers, PROBE, DESIGN, Store(), False)
    with parallel_config("threading"), distribute(model, 2) as workers:
        assert len(ask(workers, PROBE, DESIGN, Store(), False).y) == len(DESIGN)


@pytest.mark.parametrize("n_jobs", [0, 1.5, True, "two"])
def test_a_number_of_workers_that_is_none_is_refused(n_jobs):
    with pytest.raises(InputError, match="n_jobs"):
        distribute(CallableModel(linear, "f"), n_jobs)


class Echo(Generator):
    """Writes "yes"; the score of an answer is how often its letters are in the prompt."""

    def identity(self):
        return Identity("echo", True)

    def generate(self, prompt, max_new_tokens):
        return "yes"

    def scoring(self, answer, prompt):
        return CallableModel(lambda texts: [sum(t.count(c) for c in answer) for t in texts], f"score {answer}")


def test_a_generator_is_sent_once_for_all_its_answers():
    texts = [f"say {i} eyes" for i in range(40)]
    with distribute(Echo(), 2) as workers:
        for answer in ("yes", "eye", "no"):
            scorer = workers.scoring(answer, texts[0])
            expected = Echo().scoring(answer, texts[0])(texts)
            np.testing.assert_array_equal(scorer(texts), expected)
        assert set(workers.shipments.values()) == {1}


def test_processes_share_the_cores_between_them():
    def threads(Z):
        return np.full(len(Z), float(os.environ["OMP_NUM_THREADS"]))

    with distribute(CallableModel(threads, "t"), 2) as workers:
        answers = workers(DESIGN.Z)
    assert set(answers.ravel()) == {max(1, (os.cpu_count() or 1) // 2)}


def test_workers_are_not_started_for_less_work_than_they_are_worth():
    with distribute(CallableModel(linear, "f"), 2, worth=1e9) as workers:
        answers = ask(workers, PROBE, DESIGN, Store(), False)
        assert workers.shipments == {}
        assert workers.pool.waits()
    np.testing.assert_array_equal(answers.y[:, 0], DESIGN.Z @ WEIGHTS)


def test_workers_are_started_where_they_pay():
    with distribute(CallableModel(linear, "f"), 2, worth=2.0) as workers:
        pool = workers.pool
        assert pool.waits(1e9)  # nothing has been done yet: what is left is a guess
        pool.spent = 2.5
        assert pool.waits(1.4) and not pool.waits(1.6)  # two workers halve four seconds
        assert not pool.waits()
        pool.spent = 4.5  # much was done and not foreseen: it goes on, if only a little at a time
        assert not pool.waits(0.1)


def test_workers_are_started_once_the_work_is_worth_it():
    with distribute(CallableModel(linear, "f"), 2, worth=1e-9) as workers:
        answers = ask(workers, PROBE, DESIGN, Store(), False)
        assert workers.shipments
    np.testing.assert_array_equal(answers.y[:, 0], DESIGN.Z @ WEIGHTS)
