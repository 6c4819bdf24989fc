"""A run that was stopped, or one that kept its descriptors: final values from what is stored, by the code that every run uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from face_mirror_au.errors import FaceMirrorAUError, ResultError
from face_mirror_au.files import display_name
from face_mirror_au.media.source import SourceInfo
from face_mirror_au.models.catalogue import BANKS
from face_mirror_au.numerics.fhog import HOG_SIZE
from face_mirror_au.pipeline.answered import Answered
from face_mirror_au.pipeline.baseline import RESULT, Baseline
from face_mirror_au.pipeline.model_set import plan_models
from face_mirror_au.results.descriptors import StoredDescriptors
from face_mirror_au.results.earlier import listed_files, read_metadata
from face_mirror_au.results.metadata import in_todays_words
from face_mirror_au.results.names import ASYMMETRY, DESCRIPTORS, METADATA, ONLINE, OVERLAY, REPORT, VIDEOS
from face_mirror_au.results.publish import ENDING, Place, is_complete, publish
from face_mirror_au.results.work_folder import held, place_of
from face_mirror_au.run.delivery import log_online
from face_mirror_au.run.outputs import OutputPlan, run_metadata, write_result
from face_mirror_au.run.protocols import PageWriter
from face_mirror_au.run.rest import described_rest, rests_of
from face_mirror_au.run.runner import VideoRunner
from face_mirror_au.run.settings import RunSettings
from face_mirror_au.run.video_result import VideoResult
from face_mirror_au.tables.columns import GROUPS
from face_mirror_au.tables.formats import RAW, RUN_FORMATS
from face_mirror_au.tables.raw_log import OnlineLog
from face_mirror_au.wording import counted
from face_mirror_hooks.records import View
from face_mirror_weights import Store

# What a run says of itself, and not of the machine that makes the values anew.
_OF_THE_RUN = ("input", "settings", "device", "plugins", "baseline")


@dataclass
class Recovery:
    """What came of it.

    Attributes
    ----------
    table : Path
        The final table.
    files : list of Path
        What was written; empty when a whole result was only moved to its place, or is there already.
    frames : int
    problems : list of str
        Why the result is not whole.
    page : Path or None
        The report page.
    warnings : list of str
    of_stopped_run : bool
        Whether the values end where a run was stopped, and not with the recording.
    """

    table: Path
    files: list[Path] = field(default_factory=list)
    frames: int = 0
    problems: list[str] = field(default_factory=list)
    page: Path | None = None
    warnings: list[str] = field(default_factory=list)
    of_stopped_run: bool = False


def recover(folder: Path, store: Store, au_bank: Path | None = None, *, write_page: PageWriter) -> Recovery:
    """Make final values from stored descriptors, and put them in their place; or complete a publishing that was cut off.

    Parameters
    ----------
    folder : Path
        A work folder (`<stem>.unfinished`), or the folder of a result.
    store : Store
        With the models that the run used.
    au_bank : Path, optional
        See `plan_models`.
    write_page : PageWriter
        Called where the run wanted a report page.

    Raises
    ------
    ResultError
        When nothing can be recovered; it says what there is. Nothing is removed then.
    OutputError, WeightsError, ModelFileError, UsageError
    """
    if not folder.is_dir():
        raise ResultError(_no_folder(folder))
    place = place_of(folder)
    if place is None:
        return _of_a_result(folder, store, au_bank, write_page)
    with held(folder):
        if not is_complete(folder, place):
            kept = folder / place.name(DESCRIPTORS)
            stored = StoredDescriptors.open(kept) if kept.exists() else None
            if stored is None or not stored.count:
                raise ResultError(_what_there_is(folder, place))
            _check_earlier(place, stored.count)
            with _Replay.of(stored, store, au_bank, place) as replay:
                made = replay.write(folder, {"problems": [replay.stopped]}, [DESCRIPTORS])
            made.of_stopped_run = True
        else:
            made = Recovery(place.csv)
    publish(folder, place)
    return _with_page(made, place, write_page)


def _of_a_result(folder: Path, store: Store, au_bank: Path | None, write_page: PageWriter) -> Recovery:
    found = sorted(folder.glob(f"*{DESCRIPTORS}"))
    if len(found) > 1:
        raise ResultError(f"'{folder}' holds the descriptors of {len(found)} recordings; move those of one to a folder of their own")
    if not found:
        raise ResultError(_no_descriptors(folder))
    stored = StoredDescriptors.open(found[0])
    ending = next((ending for name, ending in RUN_FORMATS.items() if name == _said_format(stored)), ".csv")
    place = Place(folder / (stored.path.name.removesuffix(DESCRIPTORS) + ending), own_folder=False)
    known = _said_by_run(place)
    # Each file is replaced by what it was, if nobody changed it: no work folder needed, and none of the result's files is ever away.
    with _Replay.of(stored, store, au_bank, place) as replay:
        made = replay.write(folder, known, [ending for ending in (DESCRIPTORS, *VIDEOS, OVERLAY) if place.beside(ending).exists()])
    return _with_page(made, place, write_page)


def _said_format(stored: StoredDescriptors) -> object:
    table = stored.header.get("table")
    return table.get("format") if isinstance(table, dict) else None


def _with_page(made: Recovery, place: Place, write_page: PageWriter) -> Recovery:
    """Write the report page where the metadata say that there is one."""
    wanted = REPORT in listed_files(read_metadata(place.csv))
    page = place.beside(REPORT)
    if wanted and not page.exists():
        try:
            write_page(place.csv.parent, place.csv.stem)
        except FaceMirrorAUError as error:
            made.warnings.append(f"no report page: {error}")
    made.page = page if page.exists() else None
    if made.page is not None and made.files:
        made.files.append(place.beside(ASYMMETRY))
    return made


def _check_earlier(place: Place, count: int) -> None:
    """Raise ResultError when there is a result of more frames already."""
    frames = (read_metadata(place.csv) or {}).get("frames")
    decoded = frames.get("decoded") if isinstance(frames, dict) else None
    if isinstance(decoded, int) and decoded >= count:
        raise ResultError(
            f"the result in '{place.csv.parent}' has {counted(decoded, 'frame')}, and {counted(count, 'frame')} could be recovered; "
            "move it to another folder first, if these are what you want"
        )


def _said_by_run(place: Place) -> dict[str, Any]:
    """What the run itself said beside its tables, and that these are made anew."""
    note, content = "final values made anew from the stored descriptors", (read_metadata(place.csv) or {})
    try:
        known = {name: list(map(str, content[name])) for name in ("problems", "warnings")}
        known["worker_losses"] = list(content["worker_losses"])
        notes = [str(each) for each in content["notes"] if each != note]
    except (KeyError, TypeError) as error:
        raise ResultError(f"'{place.csv.parent}' holds descriptors, but no metadata of their run that can be read") from error
    return known | {"notes": [*notes, note]}


def _no_folder(folder: Path) -> str:
    there = folder.with_name(folder.name.removesuffix(ENDING))
    if folder.name.endswith(ENDING) and there.is_dir():
        return f"'{folder}' does not exist; there is a result in '{there}'"
    why = "is a file" if folder.exists() else "does not exist"
    return f"'{folder}' {why}; give the folder '<stem>{ENDING}' of a stopped run, or that of a result"


def _no_descriptors(folder: Path) -> str:
    beside = folder.absolute().with_name(folder.absolute().name + ENDING)
    hint = f"; did you mean '{folder.parent / beside.name}'?" if beside.is_dir() else ""
    if any(folder.glob(f"*{METADATA}")):
        return f"'{folder}' holds a whole result, without descriptors: there is nothing to recover{hint}"
    return f"'{folder}' holds no result and nothing of a stopped run{hint or f'; give its folder <stem>{ENDING}, or that of a result'}"


def _what_there_is(folder: Path, place: Place) -> str:
    """In words, what a work folder without descriptors is good for."""
    online = folder / place.name(ONLINE)
    frames, time_s = _reach(online)
    again = "for a result, run the recording again (with --keep-descriptors, if it may be stopped once more: then this command can help)"
    if not frames:
        return f"'{folder}' holds no measured frame; {again}"
    return (
        f"final values cannot be had: they need the descriptors of every frame, which this run did not keep. There are the online values "
        f"of {counted(frames, 'frame')}, up to {time_s:.2f} s, in {online}: provisional ones. Nothing was removed; {again}"
    )


def _reach(online: Path) -> tuple[int, float]:
    """Number and time of the last frame in an online table; a last line that was cut off does not count."""
    frames, time_s = 0, 0.0
    try:
        with online.open("rb") as handle:
            if handle.readline().rstrip(b"\n") != ",".join(RAW.names).encode():
                return 0, 0.0
            for line in handle:
                if line.endswith(b"\n"):
                    number, moment, _ = line.split(b",", 2)
                    frames, time_s = int(number), float(moment)
    except (OSError, ValueError):  # nothing there, or zeros that a power cut left at the end
        pass
    return frames, time_s


@dataclass
class _Replay:
    """Stored descriptors, and the runner that has the models for them."""

    stored: StoredDescriptors
    runner: VideoRunner
    plan: OutputPlan
    info: SourceInfo
    run: Mapping[str, Any]
    images: list[str]

    @classmethod
    @contextmanager
    def of(cls, stored: StoredDescriptors, store: Store, au_bank: Path | None, place: Place) -> Iterator[_Replay]:
        """Read the header, and find the models. Raises ResultError when they are others."""
        try:
            run, table = in_todays_words(stored.header["run"]), stored.header["table"]
            settings = RunSettings(
                strict=run["settings"]["strict"] is True,
                flipped_input=run["input"]["flipped_input"] is True,
                views=stored.views,
                baseline=_baseline(stored.header),
                static_columns=run["settings"].get("static_columns") is True,
                fill_gaps=int(run["settings"].get("fill_gaps", 0)),
            )
            groups = [group for group in GROUPS if group in table["groups"]]
            images = [str(name) for name in stored.header["images"]]
            plan = OutputPlan(place.csv, table["format"], groups, own_folder=place.own_folder, nameless=not images)
            info = _source_info(run["input"])
            profile, models, hashes = run["models"]["profile"], run["settings"]["models"], run["models"]["sha256"]
            name = f"{run['models']['au_bank']} {run['models']['au_bank_version']}".strip()
            wanted = {kind.files: hashes[kind.files] for kind in BANKS.values() if kind.files in hashes}
            said = {name: run[name] for name in (*_OF_THE_RUN, "models")}
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, FaceMirrorAUError) as error:
            raise ResultError(f"'{display_name(stored.path)}' is damaged: its header does not say how it was measured") from error
        found = plan_models(store, profile, models, au_bank)
        here = {key: found.hashes.get(key) for key in wanted}
        with VideoRunner(found, settings) as runner:
            if not wanted or here != wanted or runner.bank(runner.models_for(info)).n_features != HOG_SIZE + stored.geometry:
                other = "; give that bank with --au-bank" if BANKS["open"].files in wanted else ""
                what = f"'{display_name(stored.path)}' was measured with other AU models ({name}) than those here"
                raise ResultError(f"{what}: final values need the same ones{other}")
            yield cls(stored, runner, plan, info, said, images)

    def write(self, folder: Path, known: Mapping[str, list[Any]], kept: list[str]) -> Recovery:
        """Write all files into a folder; the metadata, which make it a whole result, last.

        Parameters
        ----------
        folder : Path
        known : mapping
            Problems, notes, warnings and worker losses that are known of the run.
        kept : list of str
            Endings of files of the result that are there already.
        """
        plan = self.plan.inside(folder)
        with self._replayed(plan) as result:
            models = {**self.run["models"], **self.runner.plan.described_bank(result.models), "answered": result.answered.described()}
            metadata = run_metadata(result, plan, self.runner, "") | {**self.run, "models": models}
            problems = list(dict.fromkeys([*known["problems"], *result.empty_tables]))
            metadata |= {**known, "problems": problems, "recovered": {"frames": result.decoded}}
            pages = [REPORT, ASYMMETRY] if self._has_page else []
            others = [plan.beside(ending) for ending in (ONLINE, *kept, *pages)]
            written = write_result(result, plan, self.runner, metadata, others, self.images)
            files = [self.plan.csv.with_name(path.name) for path in (*written, plan.beside(ONLINE))]
            return Recovery(files[0], files, result.decoded, problems)

    @property
    def stopped(self) -> str:
        """In words, what is missing in the result of a stopped run."""
        frames, expected = counted(self.stored.count, "frame"), self.run["input"].get("expected_frames")
        of = f", of about {expected}," if isinstance(expected, int) and expected > self.stored.count else ""
        return f"recovered from the {frames}{of} that a stopped run had measured; videos, and pictures on the page, cannot be recovered"

    @property
    def _has_page(self) -> bool:
        return self.stored.header["table"].get("page") is True and set(self.stored.views) == set(View)

    @contextmanager
    def _replayed(self, plan: OutputPlan) -> Iterator[VideoResult]:
        """Every stored frame through the ordered half of the method."""
        online, models = plan.beside(ONLINE), self.runner.models_for(self.info)
        anew = online.with_name(f".anew-{online.name}")
        frames, answered = 0, Answered()
        with ExitStack() as stack:
            stack.callback(anew.unlink, missing_ok=True)
            measurement = stack.enter_context(self.runner.measurement(self.info, plan.csv.parent))
            with OnlineLog(anew) as log:
                for result in self.stored.frames():
                    answered.count(result)
                    log_online(log, result, measurement.append(result))
                    frames += 1
            anew.replace(online)
            tables, failures, warnings = measurement.finish(), measurement.failures, self.runner.plan.warnings
            rest = None if measurement.rest is None else described_rest(measurement.rest, measurement.rests)
            yield VideoResult(self.info, models, tables, frames, failures, (), (), warnings, (), answered=answered, rest=rest)


def _baseline(header: Mapping[str, Any]) -> Baseline:
    kind, start, end = header["baseline"]
    if kind == RESULT:
        return Baseline(RESULT, others=rests_of(header["other_rest"]))
    Baseline.parse(kind if kind != "neutral" else "neutral:0-1")
    return Baseline(kind, float(start), float(end))


def _source_info(said: Mapping[str, Any]) -> SourceInfo:
    """The source as the header describes it. Raises KeyError, TypeError or ValueError."""
    if said["kind"] not in {"video", "image", "image folder", "frames"}:
        raise ValueError(said["kind"])
    width, height = int(said["width"]), int(said["height"])
    if not (0 < width < 1 << 20 and 0 < height < 1 << 20):
        raise ValueError(said["width"])
    return SourceInfo(said["kind"], width, height)
