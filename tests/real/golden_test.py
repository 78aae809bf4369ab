"""`lambridge check` says, of every golden file of every dialect, what the folder has on record: each setting that is refused by
name, each place, each help."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from support import ROOT, command

GOLDEN = ROOT / "crates/config/tests/golden"
# The environment that the files were written for: `cases` beside them.
ENVIRONMENT = {"REGION": "eu-west-1", "MAX": "7", "KEY": "hunter2", "EMPTY": ""}


def check(case):
    """Exit status and diagnostics, with paths that start at the case's folder."""
    name = next(name for name in ("input", "input.yaml", "input.json") if (case / name).exists())
    done = command("check", "--config", name, cwd=case, env=ENVIRONMENT)
    return done.returncode, done.stdout.replace(f"{case}/", "")


class Golden(unittest.TestCase):
    maxDiff = None

    def test_every_file(self):
        cases = sorted(path.parent for path in GOLDEN.glob("*/*/diagnostics.txt"))
        self.assertGreater(len(cases), 50)
        with ThreadPoolExecutor() as pool:
            for case, (status, said) in zip(cases, pool.map(check, cases), strict=True):
                with self.subTest(case.relative_to(GOLDEN)):
                    # Behind it stands what only the gateway sees: a certificate that is not there.
                    self.assertEqual(said[: len(recorded := (case / "diagnostics.txt").read_text())], recorded)
                    self.assertEqual(status, 1 if "error: " in said else 0)


if __name__ == "__main__":
    unittest.main()
