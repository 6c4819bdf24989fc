"""On a server without libGL, swap opencv-python for opencv-python-headless of the same version in this virtual environment, and say so."""

import importlib.metadata
import subprocess
import sys


def loads() -> bool:
    """Whether `import cv2` works, tried in a process of its own."""
    return subprocess.run([sys.executable, "-c", "import cv2"], capture_output=True, check=False).returncode == 0


def pip(*arguments: str) -> None:
    """Run pip quietly."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


def main() -> None:
    """Check, swap, check again."""
    if loads():
        return
    version = importlib.metadata.version("opencv-python")
    print(f"cv2 cannot be imported here (a server without libGL): using opencv-python-headless {version} instead of opencv-python")
    pip("uninstall", "--yes", "opencv-python")
    pip("install", "--force-reinstall", "--no-deps", f"opencv-python-headless=={version}")
    if not loads():
        sys.exit("cv2 still cannot be imported; run: python -c 'import cv2' to see why")


if __name__ == "__main__":
    main()
