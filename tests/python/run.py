"""Runs one of the test files beside it; 77, which CTest calls skipped, where numpy is missing or all of it is skipped."""
import sys
import unittest

SKIPPED = 77

try:
    import numpy  # noqa: F401
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(SKIPPED)

result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]))
if not result.wasSuccessful() or result.testsRun == 0:
    sys.exit(1)
sys.exit(SKIPPED if len(result.skipped) == result.testsRun else 0)
