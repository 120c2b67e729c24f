"""The test files that take longest, the longest first; `pytest --durations 50` shows what belongs here."""

LONGEST = (
    "resume/test_resume.py",
    "toolkit/cli/test_sweep_command.py",
    "toolkit/pruning/channels/test_prune_loop.py",
    "test_documentation.py",
    "test_stories.py",
    "resume/test_disturbed.py",
    "toolkit/training/test_strategy.py",
    "toolkit/importing/test_network.py",
    "export/test_bundle.py",
    "export/integer/test_constants.py",
    "toolkit/cli/test_bench_command.py",
    "toolkit/pruning/magnitude/test_magnitude.py",
    "toolkit/cli/test_prune_command.py",
    "studies/test_arm.py",
    "benchmarks/measure/test_imported.py",
    "toolkit/cli/test_train_folds.py",
    "toolkit/data/phantom/test_phantom.py",
)
