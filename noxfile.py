"""Sessions for contributors; `.ci/run` does the same in one go. List them with ``nox --list``."""

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_external_run = True

# The lower bounds that pyproject.toml states, exactly.
LOWEST = (
    "numpy==2.1.0",
    "array-api-compat==1.12.0",
    "mpmath==1.3.0",
    "python-flint==0.8.0",
    "rich==13.7.0",
    "jinja2==3.1.2",
    "typer==0.15.1",
    "hypothesis==6.100.0",
)
TORCH = "torch==2.13.0"


@nox.session
def lint(session: nox.Session) -> None:
    """Style and common mistakes."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strictly."""
    session.install("mypy", ".", "nox")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, with all frameworks."""
    session.install(TORCH, "-e", ".[all]")
    session.run("pytest", "-n", "2", "--dist", "worksteal", *session.posargs)


@nox.session
@nox.parametrize("framework", ["jax", "torch", "tensorflow", "autograd"])
def alone(session: nox.Session, framework: str) -> None:
    """The laws of all rules in an environment with one framework alone."""
    extra = [TORCH] if framework == "torch" else []
    session.install(*extra, f".[{framework}]")
    session.run("gradrules", "check", "--backend", framework, *session.posargs)


@nox.session
def outside(session: nox.Session) -> None:
    """The adapter that is written from outside, beside an installed gradrules."""
    session.install(".", "./examples/gradrules-mlx[cpu,test]")
    session.run("gradrules", "check", "--backend", "mlx", *(session.posargs or ["--quick"]))
    session.run("pytest", "-c", "examples/gradrules-mlx/pyproject.toml", "examples/gradrules-mlx")


@nox.session
def wheel(session: nox.Session) -> None:
    """The built wheel beside the lowest versions it allows, and nothing else."""
    session.install("build")
    out = session.create_tmp()
    session.run("python", "-m", "build", "--outdir", out, silent=True)
    session.run("python", "-c", f"import glob; print(*glob.glob({out!r} + '/*.whl'))")
    session.run("python", "-m", "venv", "--clear", f"{out}/empty")
    python = f"{out}/empty/bin/python"
    session.run(python, "-m", "pip", "install", "-q", *LOWEST, external=True)
    session.run(
        python, "-m", "pip", "install", "-q", "--no-index", "--find-links", out, "gradrules",
        external=True,
    )  # fmt: skip
    gradrules = f"{out}/empty/bin/gradrules"
    session.run(gradrules, "list", external=True)
    laws = ["--law", "jvp", "--law", "vjp"]
    session.run(gradrules, "check", "--quick", "--backend", "numpy", *laws, external=True)


@nox.session
def check(session: nox.Session) -> None:
    """Every rule on every backend with every input: minutes."""
    session.install(TORCH, "-e", ".[all]")
    session.run("gradrules", "check", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Every cell of the transform matrix, and the page that shows it: hours."""
    session.install(TORCH, "-e", ".[all]")
    session.env["GRADRULES_TRUTH_CACHE"] = session.create_tmp()
    session.run("pytest", "-q", "tests/contract", env={"GRADRULES_EVERYTHING": "1"})
    records = []
    for framework in session.posargs or ["torch", "jax", "tensorflow", "autograd"]:
        records.append(f"{session.create_tmp()}/{framework}.jsonl")
        session.run("python", "tests/contract/table.py", "run", framework, records[-1])
    with open("docs/transforms.md", "w") as page:
        session.run("python", "tests/contract/table.py", "page", *records, stdout=page)


@nox.session
def actions(session: nox.Session) -> None:
    """Rules of a function: every derivative in every framework, also where it compiles for long."""
    session.install(TORCH, "-e", ".[all]")
    session.env["GRADRULES_EVERYTHING"] = "1"
    session.run("pytest", "-q", "tests/actions", *session.posargs)


@nox.session
def natives(session: nox.Session) -> None:
    """Frameworks' own functions under an override: every name and dtype."""
    session.install(TORCH, "-e", ".[all]")
    session.env["GRADRULES_EVERYTHING"] = "1"
    session.run("pytest", "-q", "tests/override", *session.posargs)


@nox.session
def samples(session: nox.Session) -> None:
    """PyTorch's own sample inputs, every entry of every derivative: minutes."""
    session.install(TORCH, "-e", ".[all]")
    session.env["GRADRULES_EVERYTHING"] = "1"
    session.run("pytest", "-q", "tests/adapters/test_torch_samples.py", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Every question to every framework, and the page that lists what was found: an hour."""
    session.install(TORCH, "-e", ".[all]")
    found = f"{session.create_tmp()}/audit.json"
    session.run("gradrules", "audit", "--json", found, *session.posargs, success_codes=[0, 1])
    with open("docs/audit.md", "w") as page:
        session.run("python", "tests/testing/audit_table.py", found, stdout=page)


@nox.session
def mutation(session: nox.Session) -> None:
    """Every fault in every rule, three tools beside each other, and the page of both: minutes."""
    session.install(TORCH, "-e", ".[all]")
    session.env["PYTHONPATH"] = "tests/core"
    equivalents = "tests/testing/equivalents.toml"
    score, tools = (f"{session.create_tmp()}/{name}.json" for name in ("score", "tools"))
    session.run("gradrules", "mutate", "--load", "third_party", "--equivalents", equivalents,
                "--json", score, *session.posargs)  # fmt: skip
    if not session.posargs:
        session.run("python", "tests/testing/tools.py", tools)
        with open("docs/mutation.md", "w") as page:
            session.run(
                "python", "tests/testing/mutation_page.py", score, equivalents, tools, stdout=page
            )
