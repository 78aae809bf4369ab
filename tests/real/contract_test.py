"""The contract of AWS Lambda Web Adapter, row by row, against its binary and ours: see `contract/`.

`UPDATE_DOCS=1` writes where they differ into docs/adapter-compatibility.md.
"""

import unittest

from contract import page
from contract.row import differences
from contract.run import results


class Contract(unittest.TestCase):
    maxDiff = None

    def test_what_is_expected_of_ours(self):
        for row, ours, _ in everything():
            with self.subTest(row.name):
                self.assertEqual({name: ours.get(name) for name in row.expect}, row.expect, ours)

    def test_what_differs_has_a_reason(self):
        for row, ours, theirs in everything():
            found = differences(ours, theirs)
            with self.subTest(row.name):
                if row.why:
                    self.assertTrue(found, f"nothing differs any more; the reason was: {row.why}")
                else:
                    self.assertEqual(found, {}, "it differs, and no reason is given")

    def test_the_page_says_so(self):
        written = page.written(results())
        self.assertEqual(page.current(), written, "UPDATE_DOCS=1 writes it")


def everything():
    return [case for cases in results().values() for case in cases]


if __name__ == "__main__":
    unittest.main()
