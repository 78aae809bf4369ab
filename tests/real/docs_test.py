"""The documentation: each page's example runs as written, commands exist, links lead somewhere."""

import re
import unittest

import transcripts
from support import ROOT, command
from transcripts import blocks, commands, pages

FEATURES = [page for page in pages("docs/features") if page.name != "README.md"]
RUN = [*FEATURES, *(page for page in [ROOT / "README.md", *pages("docs")] if page not in FEATURES)]
RUN = [page for page in RUN if any(block.language == "console" for block in blocks(page.read_text()))]


class Examples(unittest.TestCase):
    """A test for each page that shows a terminal."""


def runs(page):
    return lambda case: transcripts.Run(case, page).all()


for found in RUN:
    setattr(Examples, "test_" + re.sub(r"\W", "_", str(found.relative_to(ROOT))), runs(found))


class Pages(unittest.TestCase):
    def test_each_feature_has_an_example_that_runs(self):
        self.assertGreaterEqual(len(FEATURES), 15)
        index = (ROOT / "docs/features/README.md").read_text()
        for page in FEATURES:
            with self.subTest(page.name):
                found = blocks(page.read_text())
                self.assertTrue(any(block.language == "yaml" and block.name for block in found), "no configuration")
                words = [words for block in found if block.language == "console" for words, _, _ in commands(block)]
                self.assertTrue(any(words.startswith("lambridge ") for words in words), "nothing is started")
                self.assertTrue(any("curl" in words or "aws " in words for words in words), "nothing is asked")
                self.assertIn(f"({page.name})", index)

    def test_fragments_have_known_keys_only(self):
        """A block without a file's name is part of a document: its keys and its words are those of the reader."""
        for page in [ROOT / "README.md", *pages("docs")]:
            for block in blocks(page.read_text()):
                if block.language == "yaml" and not block.name:
                    with self.subTest(f"{page.name}:{block.line}"):
                        self.check_fragment(block.text)

    def check_fragment(self, text):
        if "lambridge: 1" not in text:
            text = "lambridge: 1\n" + text
        run = transcripts.Run(self, None)
        (run.folder / "fragment.yaml").write_text(text)
        said = run.finished("lambridge check -c fragment.yaml").stdout
        wrong = [line for line in said.splitlines() if re.search("unknown key|takes a|is not known to|not supported", line)]
        self.assertEqual(wrong, [])
        self.assertNotIn("no document", said)

    def test_commands_exist(self):
        """Every `lambridge …` of a page is a command, with flags that it has."""
        known = {}
        for page in [ROOT / "README.md", *pages("docs"), *pages("examples")]:
            for block in blocks(page.read_text()):
                if block.language not in ("sh", "console"):
                    continue
                for words in re.findall(r"^(?:\$ )?lambridge ([^#|\n]+)", block.text, re.MULTILINE):
                    with self.subTest(f"{page.relative_to(ROOT)}: {words}"):
                        self.check_command(words.split(), known)

    def check_command(self, words, known):
        names = []
        for word in words:
            if not re.fullmatch(r"[a-z]+", word) or len(names) == (3 if words[0] == "create" else 2):
                break
            if names and names[0] not in ("create", "get", "proxy"):
                break
            names.append(word)
        key = tuple(names)
        if key not in known:
            known[key] = command(*names, "--help")
        self.assertEqual(known[key].returncode, 0, known[key].stderr)
        for flag in [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]:
            self.assertRegex(known[key].stdout, rf"(^|[\s,]){re.escape(flag)}\b")

    def test_links_lead_somewhere(self):
        for page in [*ROOT.glob("*.md"), *pages("docs"), *pages("examples")]:
            text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                with self.subTest(f"{page.relative_to(ROOT)}: {target}"):
                    there = (page.parent / path).resolve() if path else page
                    self.assertTrue(there.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(there.read_text()))


def anchors(text):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


if __name__ == "__main__":
    unittest.main()
