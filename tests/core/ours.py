"""The rules of the library itself: tests register others beside them, in whatever order they run."""

import gradrules as gr

RULES = {
    name: rule for name, rule in gr.registry.items() if rule.__module__.startswith("gradrules.")
}
