"""Jobs on a Dask cluster in this process: results as they end, and an error in words where nothing comes any more."""

from operator import truediv

import pytest
from joblib import delayed, parallel_config
from joblib.parallel import get_active_backend

from probes.parallel.dask_tasks import DaskTasks
from tests.helpers.when_used import when_used

distributed = when_used("distributed")


@pytest.fixture
def tasks():
    """Tasks of a cluster without a worker."""
    with (
        distributed.LocalCluster(processes=False, n_workers=0, dashboard_address=None, protocol="inproc") as cluster,
        distributed.Client(cluster),
        parallel_config("dask"),
    ):
        yield DaskTasks(get_active_backend()[0])


def test_results_are_handed_on_and_an_error_ends_them(tasks):
    tasks.client.cluster.scale(1)
    tasks.client.wait_for_workers(1, timeout=30)
    assert sorted(tasks(delayed(abs)(-i) for i in range(20))) == list(range(20))
    assert list(tasks(iter([delayed(len)("x" * 2_000_000)]))) == [2_000_000]
    got, taken = [], []
    with pytest.raises(ZeroDivisionError):
        got.extend(tasks(delayed(truediv)(1, taken.append(i) or 5 - i) for i in range(1000)))
    assert len(taken) < 1000  # nothing is taken after an error


def test_a_cluster_that_stays_without_workers_is_given_up(tasks, monkeypatch):
    monkeypatch.setattr("probes.parallel.dask_tasks._PATIENCE", 0.1)
    with pytest.raises(TimeoutError, match="the cluster has no worker"):
        list(tasks(delayed(abs)(-i) for i in range(3)))


def test_a_task_that_dask_gives_up_is_called_so(tasks):
    def jobs():
        yield delayed(abs)(-1)
        tasks.client.cancel([distributed.Future(key, tasks.client) for key in tasks.client.futures])

    with pytest.raises(RuntimeError, match=r"^Dask gave up a task \(.*\): a worker that held what it needs is gone"):
        list(tasks(jobs()))
