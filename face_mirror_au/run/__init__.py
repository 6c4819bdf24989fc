"""One recording to its result: settings, plugins, runner, files, recovery, given landmarks."""
