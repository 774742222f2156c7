"""Reads the project's Markdown: headings, links, code blocks, and what can be run: each command of a block of the
language `sh`, and each block of the language `python`."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Block:
    language: str  # "" for a fence without one, "indented" for four spaces
    line: int  # of its first line of code, from 1
    lines: list = field(default_factory=list)

    @property
    def text(self):
        return "\n".join(self.lines)


@dataclass
class Command:
    document: str
    line: int
    text: str  # with continued lines joined and without a comment behind it
    language: str = "sh"


@dataclass
class Link:
    line: int
    target: str
    is_image: bool


class Document:
    def __init__(self, path, root):
        self.path = Path(path)
        self.name = str(self.path.relative_to(root))
        self.lines = self.path.read_text(encoding="utf-8").split("\n")
        self.blocks = []
        self.prose = []  # (line number, text) outside code blocks
        self._split()

    def _split(self):
        block, after_blank = None, True
        for number, line in enumerate(self.lines, 1):
            fence = re.match(r"^\s*```(\S*)", line)
            if block and block.language != "indented":
                if fence:
                    block = None
                else:
                    block.lines.append(line)
            elif fence:
                block = Block(fence.group(1), number + 1)
                self.blocks.append(block)
            elif line.startswith("    ") and (after_blank or block):
                if not block:
                    block = Block("indented", number)
                    self.blocks.append(block)
                block.lines.append(line[4:])
            else:
                block = None
                self.prose.append((number, line))
            after_blank = not line.strip()

    @property
    def text(self):
        return "\n".join(self.lines)

    def headings(self):
        return [(n, m.group(2).strip()) for n, line in self.prose if (m := re.match(r"^(#{1,6})\s+(.*)$", line))]

    def anchors(self):
        """As GitHub makes them."""
        found = set()
        for _, heading in self.headings():
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            number, candidate = 0, slug
            while candidate in found:
                number += 1
                candidate = f"{slug}-{number}"
            found.add(candidate)
        return found

    def links(self):
        for number, line in self.prose:
            for image, target in re.findall(r"(!?)\[[^]]*\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                yield Link(number, target, bool(image))

    def inline_code(self):
        for number, line in self.prose:
            for code in re.findall(r"`([^`]+)`", line):
                yield number, code

    def commands(self):
        for block in self.blocks:
            if block.language == "python":
                yield Command(self.name, block.line, block.text, "python")
            if block.language != "sh":
                continue
            pending, start = "", 0
            for offset, line in enumerate(block.lines):
                start = start or block.line + offset
                pending += line.rstrip()
                if pending.endswith("\\"):
                    pending = pending[:-1].rstrip() + " "
                    continue
                text = re.sub(r"(^|\s)#\s.*$", "", re.sub(r" +", " ", pending)).strip()
                if text:
                    yield Command(self.name, start, text)
                pending, start = "", 0
            if pending:
                yield Command(self.name, start, pending.strip())


def documents_of(root):
    """Everything that a user reads."""
    root = Path(root)
    paths = [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").glob("*.md"))]
    paths += sorted((root / "models").glob("*/README.md"))
    paths += sorted((root / "examples").glob("**/README.md"))
    return [Document(path, root) for path in paths]
