"""Jobs on a Dask cluster, sent through its client.

joblib's own backend waits for ever where Dask gives a task up, because its workers died or cannot unpack it, and where
a task could not be handed over; with a single worker left it runs tasks in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import islice
from typing import Any, Self

__all__ = ["DaskTasks"]

#: tasks a core is sent at once, so that it need not wait for the next
_AHEAD = 2
#: bytes of an argument above which it goes straight to a worker, not through the scheduler
_LARGE = 1_000_000
#: seconds without a result after which a cluster without workers is given up
_PATIENCE = 60.0


class DaskTasks:
    """Runs jobs as ``joblib.Parallel`` does, and hands on what Dask says of tasks that it gives up.

    Parameters
    ----------
    backend : joblib's ``DaskDistributedBackend``
        Its client is used, and its way to wait within a task of the cluster itself.
    """

    return_generator = True

    def __init__(self, backend: Any):
        self.backend = backend
        self.client = backend.client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: tasks that nobody waits for are dropped by the cluster."""

    def __call__(self, jobs: Iterator[Any]) -> Iterator[Any]:
        """Yield results as tasks end, those that succeeded before an error.

        Parameters
        ----------
        jobs : iterator of (function, arguments, keyword arguments)
            Taken from as workers become free.

        Raises
        ------
        Exception
            What ended a task; ``TimeoutError`` where the cluster has no worker and none came for a minute,
            ``RuntimeError`` where it gave a task up.
        """
        with self.backend.retrieval_context():
            yield from self._results(jobs)

    def _results(self, jobs: Iterator[Any]) -> Iterator[Any]:
        from distributed import wait

        most = _AHEAD * max(1, sum(self.client.ncores().values()))
        running: set[Any] = set()
        while True:
            for function, arguments, options in islice(jobs, most - len(running)):
                given = [self._placed(argument) for argument in arguments]
                running.add(self.client.submit(function, *given, pure=False, **options))
            if not running:
                return
            try:
                with suppress(CancelledError):  # a task whose data went with a worker: its result says so
                    wait(running, timeout=_PATIENCE, return_when="FIRST_COMPLETED")
            except TimeoutError as error:
                if not self.client.ncores():
                    raise TimeoutError(f"the cluster has no worker, for {_PATIENCE:.0f} seconds") from error
            ended = [task for task in running if task.done()]
            running.difference_update(ended)
            for task in sorted(ended, key=lambda task: task.status != "finished"):
                yield _result(task)

    def _placed(self, argument: Any) -> Any:
        """Return an argument, or where it lies on a worker if it is large."""
        from dask.sizeof import sizeof

        return self.client.scatter(argument, hash=False) if sizeof(argument) > _LARGE else argument


def _result(task: Any) -> Any:
    """Return what a task came to, and say in words what Dask says by the key of a task that it gave up."""
    try:
        return task.result()
    except CancelledError as error:
        why = str(getattr(error, "reason", "")) or "no reason given"
        lost = "a worker that held what it needs is gone, the client was closed, or somebody cancelled it"
        raise RuntimeError(f"Dask gave up a task ({why}): {lost}") from error
