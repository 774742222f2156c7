"""examples/python."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

import twintrack
from support import SOURCE, case, tiny_bundle

EXAMPLE = SOURCE / "examples" / "python" / "predict_ct.py"


class Example(unittest.TestCase):
    def run_example(self, *arguments):
        return subprocess.run([sys.executable, EXAMPLE, *arguments], capture_output=True, text=True)

    def test_prints_volumes_and_writes_the_map(self):
        with tempfile.TemporaryDirectory() as folder:
            ct, written = Path(folder, "ct.nii.gz"), Path(folder, "map.nii.gz")
            twintrack.write_volume(ct, *case().image)
            result = self.run_example(tiny_bundle(), ct, written)
            self.assertEqual(result.returncode, 0, result.stderr)
            found = twintrack.Model(tiny_bundle()).predict(*twintrack.read_volume(ct))
            np.testing.assert_array_equal(twintrack.read_volume(written).array, found.probability)
        self.assertIn("bundle tiny", result.stdout)
        self.assertIn(f"expected volume {found.expected_volume_mm3 / 1000:.2f} ml", result.stdout)
        self.assertIn(f"at least 5 of 5 experts: {found.agreement_volume_mm3[4] / 1000:.2f} ml", result.stdout)
        self.assertIn(twintrack.RESEARCH_USE, result.stdout)
        self.assertIn("member 2 of 2", result.stderr)

    def test_error_is_one_line(self):
        result = self.run_example(tiny_bundle(), "no-such-ct.nii.gz", "map.nii.gz")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.assertIn("no-such-ct.nii.gz", result.stderr)
        self.assertIn("usage", self.run_example().stderr)


if __name__ == "__main__":
    unittest.main()
