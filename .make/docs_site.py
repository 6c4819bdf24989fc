"""What the documentation site has beside docs/: files of the repository, the command line, and the notebooks with their results."""

import os
import posixpath
import re
import tempfile
from functools import cache
from pathlib import Path

import nbformat
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from typer.cli import get_docs_for_click

from face_mirror_au.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
# File of the repository: the page that it is on the site.
COPIED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "benchmarks/RESULTS.md": "measurements.md"}
NOTEBOOKS = {f"examples/{path.name}": f"examples/{path.stem}.md" for path in sorted((ROOT / "examples").glob("*.ipynb"))}
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in COPIED.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    for source, page in NOTEBOOKS.items():
        pictures, text = executed((ROOT / source).read_text("utf-8"), Path(page).stem)
        files.append(File.generated(config, page, content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"examples/{name}", content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: object) -> str:
    """Add the commands to their page; turn links that are right in the repository into links that are right on the site.

    What the site does not have, but the repository has, loses its link; what neither has is left for MkDocs to complain about.
    """
    pages = {f"docs/{file.src_uri}": file.src_uri for file in files} | COPIED | NOTEBOOKS
    here = page.file.src_uri
    if here == "command-line.md":
        markdown += command_line()
    source = next((repository for repository, uri in COPIED.items() if uri == here), f"docs/{here}")

    def on_the_site(link: re.Match[str]) -> str:
        text, target, anchor = link.groups()
        in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if in_repository in pages:
            return f"{text}({posixpath.relpath(pages[in_repository], posixpath.dirname(here))}{anchor or ''})"
        return text[1:-1] if (ROOT / in_repository).exists() else link.group()

    return LINK.sub(on_the_site, markdown)


def command_line() -> str:
    """All commands and options, from the commands themselves."""
    command = typer.main.get_command(app)
    with command.make_context("face-mirror-au", [], resilient_parsing=True) as context:
        text = get_docs_for_click(obj=command, ctx=context, name="face-mirror-au", indent=1)
    # The list of commands stands beside the page, and here its lines are cut off.
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)
    # <stem> in a help text is no HTML tag; in code it is safe.
    return re.sub(r"(`[^`\n]*`)|<(?=\w)", lambda found: found[1] or "&lt;", text)


@cache
def executed(notebook: str, name: str) -> tuple[dict[str, bytes], str]:
    """A notebook's pictures and Markdown after running it in a temporary folder that looks like a checkout. Its errors end the build.

    `name` begins the names of the pictures.
    """
    with tempfile.TemporaryDirectory(prefix="face-mirror-au-docs-") as folder:
        (Path(folder) / "tests").symlink_to(ROOT / "tests")
        (Path(folder) / "examples").mkdir()
        document = nbformat.reads(notebook, as_version=4)
        place = {"metadata": {"path": f"{folder}/examples"}}
        client = NotebookClient(document, timeout=1800, resources=place, extra_arguments=["--log-level=ERROR"])
        # IPython makes a folder for itself; not in the home of who builds the site.
        client.execute(env={**os.environ, "IPYTHONDIR": folder})
    text, resources = MarkdownExporter().from_notebook_node(document, {"unique_key": name})
    # Without a class, tables look as all others on the site do.
    return resources["outputs"], re.sub(r'<table border="1" class="dataframe">', "<table>", text)
