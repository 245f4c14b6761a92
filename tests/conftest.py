"""Make the example rules importable, by tests and by the processes they start."""

import os
import sys
from pathlib import Path

HELPERS = str(Path(__file__).parent / "core")
sys.path.insert(0, HELPERS)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")]))
