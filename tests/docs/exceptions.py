"""Commands of the documentation that its test does not run as they stand, and why."""

# Programs that are not run; their options, targets and files are checked all the same, as far as we know them.
NOT_RUN_PROGRAMS = {
    ".ci/run": "builds the project and runs all its tests",
    "build/fuzz/fuzz/fuzz_tensor_pickle": "of another build, for a file that somebody found",
    "build/release/benchmarks/bench_network_forward": "a benchmark",
    "build/release/tests/test_core": "a program of tests",
    "cmake": "builds the project",
    "ctest": "runs the project's tests",
    "docker": "needs a container engine",
    "make": "builds or installs the project, or runs all its tests",
    "scripts/benchmark": "measures for minutes",
    "scripts/compare_network.py": "needs PyTorch, and measures for minutes",
    "scripts/evaluate-phantom-bundle": "takes minutes, and the folder of the training",
    "scripts/train-phantom-bundle": "trains for most of an hour",
    "sudo": "changes the machine",
}

# Single commands, the same.
NOT_RUN = {
    'PYTHONPATH=build/release/python python3 -c "import twintrack; print(twintrack.__version__)"': "of a build folder; the "
    "README's program in Python is run",
}

# Left out with a word where the machine has no such program.
MAY_BE_MISSING = {"man"}

# {command: (exit status, why)}
EXPECTED_STATUS = {}

# Options that make a documented run small enough for a test, in place of the documented values or beside them.
NETWORK = {"--patch": "16,16,16", "--features": "8,16", "--batch-size": "2", "--spacing-mm": "6,6,8"}
EPOCH = {"--epochs": "1", "--iterations": "1", "--validation-iterations": "1", "--workers": "1"}
SMALLER = {
    ("train", "plan"): NETWORK,
    ("train", "run"): EPOCH,
    ("train", "all"): NETWORK | EPOCH | {option.replace("--", "--localizer-"): value for option, value in NETWORK.items()},
    ("phantom",): {"--cases": "1", "--size": "64,56,40"},
}

# The same for options that the machine of a test cannot follow; only where they are given.
REPLACED = {"--device": "cpu"}

# Jobs that keep or refuse results that exist; the scene has some.
OVERWRITTEN = {("predict",), ("segment",), ("calibrate",), ("evaluate",), ("compare",), ("bundle", "create")}

NEED_TORCH = {("train", "run"), ("train", "all")}
