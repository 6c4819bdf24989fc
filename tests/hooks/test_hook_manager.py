"""Finding, refusing, blocking and listing plugins, and making them again in a spawned worker."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import sys
import textwrap
import types
from contextlib import contextmanager

import pytest
from hook_records import FACE, FRAME, RESULT, VIDEO
from plugins.landmark_file_plugin import LandmarkFilePlugin
from plugins.log_plugin import LogPlugin

from face_mirror_hooks import PluginManager, hookimpl
from face_mirror_hooks.errors import HookError, PluginContractError, PluginLoadError, PluginNameError, PluginTransferError
from face_mirror_hooks.loading import PluginInfo
from face_mirror_hooks.records import View


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager()


class Describer:
    def __init__(self, value=1):
        self.value = value

    @hookimpl
    def describe_face(self):
        return (self.value, os.getpid())


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """An installed distribution with two plugins; call it with the entry points."""

    def install(lines, name="some-plugins"):
        folder = tmp_path / f"{name.replace('-', '_')}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", "utf-8")
        (folder / "entry_points.txt").write_text("[face_mirror]\n" + "\n".join(lines), "utf-8")

    (tmp_path / "installed_plugins.py").write_text(
        textwrap.dedent("""
        import threading
        from face_mirror_hooks import hookimpl

        @hookimpl
        def describe_face():
            return "module"

        class Plugin:
            def __init__(self):
                self.not_to_be_pickled = threading.Lock()

            @hookimpl
            def describe_face(self):
                return "class"
        """),
        "utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield install
    sys.modules.pop("installed_plugins", None)


def test_entry_points_are_loaded_by_name_and_told_apart(manager, distribution):
    distribution(["b = installed_plugins", "a = installed_plugins:Plugin"])
    manager.register(LogPlugin(), "log")
    manager.load_entry_points()
    listed = [plugin for plugin in manager.plugins() if plugin.origin in {"built-in", "some-plugins 1.2"}]
    assert [plugin.name for plugin in listed] == ["log", "a", "b"]
    assert listed[1] == PluginInfo("a", "some-plugins 1.2", ("describe_face",))
    assert list(manager.describe_face(FRAME, FACE, View.ORIGINAL).items())[:2] == [("b", "module"), ("a", "class")]


def test_a_blocked_plugin_is_not_imported(manager, distribution):
    distribution(["broken = no_such_module", "a = installed_plugins"])
    manager.block(["broken", "a"])
    manager.load_entry_points()
    manager.check_pending()
    assert "installed_plugins" not in sys.modules
    assert PluginInfo("a", "some-plugins 1.2", (), blocked=True) in manager.plugins()
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL).keys().isdisjoint({"a", "broken"})


@pytest.mark.parametrize("entry", ["x = no_such_module", "x = installed_plugins:nothing"])
def test_a_plugin_that_cannot_be_imported_is_named(manager, distribution, entry):
    distribution([entry])
    with pytest.raises(PluginLoadError, match=r"plugin x \(.*\) cannot be loaded: .*; repair it, remove it or block it"):
        manager.load_entry_points()


def test_a_registered_plugin_can_be_blocked(manager):
    manager.register(Describer(), "p")
    manager.block(["p"])
    manager.check_pending()
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {}
    assert manager.for_worker().recipes == ()


def test_blocking_nobody_is_an_error(manager):
    manager.register(Describer(), "p")
    manager.block(["q"])
    with pytest.raises(PluginNameError, match="there is no plugin 'q' to block; there are: p"):
        manager.check_pending()


def test_two_plugins_of_one_name_are_an_error(manager):
    manager.register(Describer(), "p")
    with pytest.raises(PluginNameError, match=r"two plugins are called 'p' \(the first: built-in, the second: imported\)"):
        manager.register_import("plugins.log_plugin:LogPlugin", "p")
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {"p": (1, os.getpid())}


def test_one_plugin_under_two_names_is_an_error(manager):
    plugin = Describer()
    manager.register(plugin, "p")
    with pytest.raises(PluginNameError, match="registered already"):
        manager.register(plugin, "q")


def test_an_unknown_hook_is_an_error(manager):
    class Misspelt:
        @hookimpl
        def after_fram(self):
            pass

    manager.register(Misspelt(), "p")
    with pytest.raises(PluginContractError, match="plugin p implements 'after_fram', which is no hook; did you mean 'after_frame'"):
        manager.check_pending()


def test_an_unknown_hook_may_be_optional(manager):
    class Newer:
        @hookimpl(optionalhook=True)
        def a_hook_of_tomorrow(self):
            pass

    manager.register(Newer(), "p")
    manager.check_pending()


def test_an_unknown_argument_is_an_error(manager):
    class Other:
        @hookimpl
        def describe_face(self):
            return 1

        @hookimpl
        def after_frame(self, results):
            pass

    with pytest.raises(PluginContractError, match=r"plugin p does not fit: .*after_frame.*'results'"):
        manager.register(Other(), "p")
    assert manager.plugins() == ()
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {}


def test_a_wrapper_is_an_error(manager):
    class Wrapper:
        @hookimpl(wrapper=True)
        def after_frame(self, result):
            return (yield)

    with pytest.raises(PluginContractError, match="plugin p wraps after_frame"):
        manager.register(Wrapper(), "p")
    manager.after_frame(RESULT)
    assert manager.take_failures() == ()


def test_a_class_is_an_error(manager):
    with pytest.raises(PluginContractError, match="register an object"):
        manager.register(Describer, "p")


def test_the_hooks_of_a_plugin_are_listed_in_the_order_of_the_specs(manager):
    manager.register(LandmarkFilePlugin(), "landmarks")
    assert manager.plugins() == (PluginInfo("landmarks", "built-in", ("before_video_in_worker", "detect_faces", "locate_landmarks")),)


def _describe_in_worker(plugins):
    manager = plugins.build()
    manager.check_pending()
    return [plugin.name for plugin in manager.plugins()], manager.describe_face(FRAME, FACE, View.ORIGINAL)


def test_a_spawned_worker_makes_the_same_plugins(manager, distribution):
    distribution(["a = installed_plugins:Plugin"])
    manager.register(Describer(7), "object")
    manager.register(sys.modules["plugins.log_plugin"], "module")
    manager.load_entry_points()
    manager.register_import("installed_plugins", "named")
    manager.register_import("plugins.log_plugin:LogPlugin", "blocked")
    manager.block(["blocked"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        names, described = pool.apply(_describe_in_worker, (manager.for_worker(),))
    assert names == [plugin.name for plugin in manager.plugins() if not plugin.blocked]
    assert described["a"] == "class"
    assert described["named"] == "module"
    value, pid = described["object"]
    assert value == 7
    assert pid != os.getpid()
    # The order of calls is kept.
    assert list(described) == list(manager.describe_face(FRAME, FACE, View.ORIGINAL))


def test_what_cannot_be_sent_to_a_worker_is_an_error(manager):
    class Local:
        @hookimpl
        def describe_face(self):
            return 1

    manager.register(Local(), "p")
    with pytest.raises(PluginTransferError, match=r"plugin p cannot be sent to a spawned worker.*after_worker_start"):
        manager.for_worker()


def test_a_module_that_cannot_be_imported_again_is_an_error(manager):
    manager.register(types.ModuleType("made_up"), "p")
    with pytest.raises(PluginTransferError, match="the module made_up"):
        manager.for_worker()


def test_a_pickle_that_does_not_open_names_its_plugin(manager, monkeypatch):
    module = types.ModuleType("soon_gone")
    module.Describer = type("Describer", (), {"__module__": "soon_gone"})
    monkeypatch.setitem(sys.modules, "soon_gone", module)
    manager.register(module.Describer(), "p")
    plugins = pickle.loads(pickle.dumps(manager.for_worker()))  # noqa: S301 - made in this line
    monkeypatch.delitem(sys.modules, "soon_gone")
    with pytest.raises(PluginLoadError, match="plugin p cannot be made again in a worker"):
        plugins.build()


def test_every_error_is_a_hook_error():
    for error in (PluginLoadError, PluginNameError, PluginContractError, PluginTransferError):
        assert issubclass(error, HookError)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_inherits_its_plugins(manager):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")

    class Local:
        @hookimpl
        def before_video_in_worker(self, video):
            self.label = video.label

        @hookimpl
        def describe_face(self):
            return self.label

    manager.register(Local(), "p")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        manager.before_video_in_worker(VIDEO)
        os.write(writer, manager.describe_face(FRAME, FACE, View.ORIGINAL)["p"].encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"clip"
    os.close(reader)
    os.close(writer)
    # What the worker's plugin knows, the parent's does not.
    assert "AttributeError" in manager.describe_face(FRAME, FACE, View.ORIGINAL)["p"].message


PLUGIN = """
import beside_it
from face_mirror_hooks import hookimpl

class Plugin:
    @hookimpl
    def describe_face(self):
        return beside_it.VALUE
"""


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    """The current folder, with a plugin in a file that imports another one."""
    (tmp_path / "my_own_plugin.py").write_text(PLUGIN, "utf-8")
    (tmp_path / "beside_it.py").write_text("VALUE = 41\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    with _as_new_process():
        yield tmp_path


@contextmanager
def _as_new_process():
    """Python's path as it is, and none of those modules imported."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before
        for name in ("my_own_plugin", "beside_it", "face_mirror_plugin_my_own_plugin", "face_mirror_plugin_pickle"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("reference", ["my_own_plugin.py:Plugin", "my_own_plugin:Plugin", "{folder}/my_own_plugin.py:Plugin"])
def test_a_plugin_of_the_current_folder_is_found(manager, plugin_folder, tmp_path_factory, monkeypatch, reference):
    with _as_new_process():
        manager.register_import(reference.format(folder=plugin_folder))
        assert [plugin.name for plugin in manager.plugins()] == ["my_own_plugin:Plugin"]
        sent = pickle.dumps(manager.for_worker())
    # A worker may be elsewhere.
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    workers = pickle.loads(sent)  # noqa: S301 - made above
    assert workers.build().describe_face(FRAME, FACE, View.ORIGINAL) == {"my_own_plugin:Plugin": 41}


def test_a_file_does_not_stand_in_for_a_module_of_its_name(manager, plugin_folder):
    (plugin_folder / "pickle.py").write_text(PLUGIN, "utf-8")
    manager.register_import("pickle.py:Plugin")
    assert sys.modules["pickle"] is pickle
    assert manager.describe_face(FRAME, FACE, View.ORIGINAL) == {"pickle:Plugin": 41}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("none.py", r"there is no file '.*none\.py'"),
        ("sub/none.py:Plugin", r"there is no file '.*none\.py'"),
        ("no_module.sub", r"no module 'no_module\.sub' is installed, and '.*' holds neither no_module/sub\.py nor a folder no_module/sub"),
        ("my_own_plugin:Missing", "has no attribute 'Missing'"),
    ],
)
def test_a_plugin_that_is_not_there_says_where_it_was_looked_for(manager, plugin_folder, reference, said):
    with pytest.raises(PluginLoadError, match=said):
        manager.register_import(reference)


def test_what_a_plugin_lacks_is_not_taken_for_the_plugin(manager, plugin_folder):
    (plugin_folder / "beside_it.py").unlink()
    with pytest.raises(PluginLoadError, match="No module named 'beside_it'"):
        manager.register_import("my_own_plugin.py:Plugin")
