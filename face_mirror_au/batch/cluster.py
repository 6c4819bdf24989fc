"""A batch across machines, by Dask: one task for each recording, whose result the worker writes to the shared output folder.

A worker measures in its own process, without workers of ours: a process with Dask's threads must not be forked, and recordings are enough
to share out.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face_mirror_au.batch.job import Job, Outcome, Results, measure_job
from face_mirror_au.batch.session import wanted_results
from face_mirror_au.errors import ClusterError, FaceMirrorAUError
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.run.placing import place
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_weights import Store

if TYPE_CHECKING:
    from distributed import Client, Future

DEVICE = "cpu"  # the same on every machine
# How often a task is tried again that raised; one whose worker died, Dask tries again itself (its setting allowed-failures).
RETRIES = 2
_CONNECT_S = 20
_INSTALL = "--scheduler needs Dask, which is not installed; run: pip install 'face-mirror-au[distributed]'"


@dataclass(frozen=True)
class Recipe:
    """With what a worker makes its runner.

    `expected` is what results must say of themselves (`Wanted.settings`): a worker with other versions or models must not take part. The
    others are as for `Store.default` and `plan_models`.
    """

    weights: Path | None
    profile: str
    models: str
    au_bank: Path | None
    settings: RunSettings
    expected: dict[str, Any]

    def runner(self) -> VideoRunner:
        """Make the runner.

        Raises
        ------
        WeightsError, ModelFileError, PluginProblemError, UsageError
        """
        plan = plan_models(Store.default(self.weights, origin="--weights"), self.profile, self.models, self.au_bank)
        placed = place(plan, DEVICE)
        return VideoRunner(placed.plan, self.settings, device_metadata=placed.metadata)


class _Held:
    """The runner of a Dask worker's process: made at its first recording, used for all that follow."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # a runner does one recording at a time, whatever number of threads the worker has
        self._recipe: Recipe | None = None
        self._runner: VideoRunner | None = None

    def runner(self, recipe: Recipe, results: Results) -> VideoRunner:
        if self._runner is not None and self._recipe == recipe:
            return self._runner
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        runner = recipe.runner()
        found = wanted_results(runner, results).settings
        if found != recipe.expected:
            raise ClusterError(f"the worker differs from the machine that asked: {_difference(recipe.expected, found)}")
        self._runner, self._recipe = runner, recipe
        return runner


_held = _Held()


def measure_there(recipe: Recipe, results: Results, job: Job) -> Outcome:
    """Measure one recording in a Dask worker. Our own errors come back as outcomes: another try would not mend them."""
    with _held.lock:
        try:
            runner = _held.runner(recipe, results)
        except FaceMirrorAUError as error:
            return Outcome(str(error))
        return measure_job(runner, job, results, alone=False)


def _difference(asked: Any, found: Any, where: str = "") -> str:
    """Name the first difference of two nested mappings."""
    if isinstance(asked, dict) and isinstance(found, dict):
        name = next(name for name in (*asked, *found) if asked.get(name) != found.get(name))
        return _difference(asked.get(name), found.get(name), f"{where} {name}".strip())
    return f"{where} is {found} there and {asked} here"


def require_dask() -> None:
    """Raise a ClusterError that names the command, when Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ClusterError(_INSTALL) from error


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A connection to a Dask scheduler; TLS as Dask's own settings have it.

    Raises
    ------
    ClusterError
        When there is no scheduler, or no Dask.
    """
    require_dask()
    from distributed import Client
    from distributed.security import Security

    # Dask itself would try for 40 s.
    if address.startswith("tls:") and not Security().get_connection_args("client").get("ssl_context"):
        raise ClusterError(f"{address} needs certificates: set Dask's distributed.comm.tls, ca-file and client (docs/batch.md)")
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClusterError(f"there is no Dask scheduler at {address}: {reason}") from error
    with client:
        yield client


def run_there(
    client: Client,
    recipe: Recipe,
    jobs: Sequence[Job],
    results: Results,
    on_done: Callable[[Job, Outcome], None],
    *,
    stop_on_error: bool = False,
) -> None:
    """Have all jobs measured by the workers of a scheduler. Their paths, and the output folder, must be the same on all machines.

    `on_done` is called in this process as each job ends, in the order in which they do; with `stop_on_error`, what has not begun is
    cancelled when one has failed.
    """
    from distributed import as_completed

    # Keys without names: they are in the scheduler's logs and on its pages.
    batch = uuid.uuid4().hex
    futures = {
        client.submit(measure_there, recipe, results, job, key=f"face-mirror-au-{batch}-{number}", retries=RETRIES, pure=False): job
        for number, job in enumerate(jobs)
    }
    for future in as_completed(futures, loop=client.loop):
        outcome = _outcome(future)
        on_done(futures.pop(future), outcome)
        if outcome.error and stop_on_error:
            client.cancel(list(futures))
            return


def _outcome(future: Future) -> Outcome:
    from distributed import KilledWorker

    if future.status == "finished":
        found: Outcome = future.result()
        return found
    if future.status != "error":
        return Outcome("the Dask scheduler was lost, or gave it up; call the same command again")
    failure = future.exception()
    if isinstance(failure, KilledWorker):
        return Outcome("the Dask workers that measured it died, one after the other (Dask's allowed-failures says how many may)")
    return Outcome(f"a Dask worker failed: {type(failure).__name__}: {failure}")
