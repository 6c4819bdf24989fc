"""Downloads one file: resumed where it was cut off, retried, checked, never longer than it should be."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from face_mirror_weights.errors import WeightsError
from face_mirror_weights.hashing import sha256_of

# Called with a label, the bytes so far and the bytes in all.
Progress = Callable[[str, int, int], None]

ATTEMPTS = 4  # in a row without a byte gained
FIRST_WAIT_S = 1.0  # doubled after each such attempt
TIMEOUT_S = 30.0  # without any answer
_CHUNK = 1 << 16
_TRY_LATER = frozenset({408, 429, 500, 502, 503, 504})


class _AttemptFailedError(Exception):
    """One attempt at one address failed; `final` when the same address will not answer otherwise."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def download(urls: Sequence[str], destination: Path, *, size: int, sha256: str, label: str = "", progress: Progress | None = None) -> None:
    """Get a file of known size and SHA-256 from the first address that gives it.

    Bytes go to ``<destination>.part``, which a later call resumes; the finished and checked file is renamed to `destination`.
    Proxies are taken from the usual environment variables (http_proxy, https_proxy, no_proxy).

    Parameters
    ----------
    urls
        Addresses (http or https), tried in order.
    destination
        The file to make; its folder is made when it is absent.
    size, sha256
        What the file must be.
    label
        Name for the progress display.
    progress
        Called after each piece.

    Raises
    ------
    WeightsError
        No address gave the file (the message has the last reason of each), or it could not be written.
    """
    partial = destination.with_name(destination.name + ".part")
    reasons = []
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                _download_from(url, partial, size, sha256, lambda done: progress(label, done, size) if progress else None)
            except _AttemptFailedError as failure:
                reasons.append(f"{url}: {failure}")
                continue
            partial.replace(destination)
            return
    except OSError as error:
        raise WeightsError(f"cannot write {partial}: {error.strerror or error}; make room, or choose another folder with --to") from error
    raise WeightsError(
        f"could not fetch {label or destination.name}: {'; '.join(reasons)}; try again later (what is there is resumed), "
        "or get the files elsewhere and use `face-mirror-au weights import FOLDER`"
    )


def _download_from(url: str, partial: Path, size: int, sha256: str, report: Callable[[int], None]) -> None:
    """Fill `partial` from one address, in as many attempts as it takes."""
    if not url.startswith(("http://", "https://")):
        raise _AttemptFailedError("not an http or https address", final=True)
    fruitless = 0
    wrong_content = 0
    while True:
        before = _size(partial)
        reason = _AttemptFailedError("the connection was cut")
        try:
            _transfer(url, partial, size, report)
        except _AttemptFailedError as failure:
            if failure.final:
                raise
            reason = failure
        if _size(partial) == size:
            if sha256_of(partial) == sha256:
                return
            partial.unlink()
            wrong_content += 1
            reason = _AttemptFailedError("it gives a file with another SHA-256 than the manifest's")
            if wrong_content > 1:  # once may be a damaged remainder of an earlier attempt
                raise reason
            continue
        fruitless = 0 if _size(partial) > before else fruitless + 1
        if fruitless >= ATTEMPTS:
            raise reason
        time.sleep(FIRST_WAIT_S * 2 ** max(fruitless - 1, 0))


def _transfer(url: str, partial: Path, size: int, report: Callable[[int], None]) -> None:
    """One request: append what is missing, or start over where the server cannot resume. Never writes more than `size` bytes."""
    start = _size(partial)
    if start >= size:
        # Complete already (the caller checks it), or longer than the file can be.
        if start > size:
            partial.unlink()
        return
    with _open(url, start) as response:
        if response.status == 206 and not (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
            raise _AttemptFailedError("it sends another part of the file than the one asked for", final=True)
        resumed = response.status == 206
        done = start if resumed else 0
        with partial.open("ab" if resumed else "wb") as stream:
            while chunk := _read(response):
                done += len(chunk)
                if done > size:
                    stream.truncate(0)
                    raise _AttemptFailedError(f"it gives more than the {size} bytes that the file has", final=True)
                stream.write(chunk)
                report(done)


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to where nobody on the way can read or change more than before: from https to https only, never to ftp."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        allowed = ("https://",) if req.full_url.startswith("https://") else ("http://", "https://")
        if not newurl.lower().startswith(allowed):
            raise _AttemptFailedError(f"it redirects to an address that is not {' or '.join(each[:-3] for each in allowed)}", final=True)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, start: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "face-mirror-au", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (http and https only, see _download_from)
    try:
        # An opener of its own: the default one keeps the proxies of its first use.
        response: http.client.HTTPResponse = urllib.request.build_opener(_CarefulRedirects).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        raise _AttemptFailedError(f"HTTP {error.code} {error.reason}", final=error.code not in _TRY_LATER) from error
    except urllib.error.URLError as error:
        raise _AttemptFailedError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _AttemptFailedError(str(error) or type(error).__name__) from error
    return response


def _read(response: http.client.HTTPResponse) -> bytes:
    """The next piece; network errors become failed attempts, so that they are not taken for errors of the disk."""
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _AttemptFailedError(str(error) or type(error).__name__) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
