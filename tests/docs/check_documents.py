"""Holds the documentation against the project: links, commands in their place, jobs, options, exit statuses, messages,
keys of files. Prints what is wrong, a line each; status 1 when there is anything."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import command_line
import exceptions
from markdown import documents_of

COMMAND_WORDS = r"(twintrack|make|cmake|ctest|docker|sudo|apt|apt-get|dpkg|python3|scripts/[\w-]+|\.ci/run|build/\S+)"


class Check:
    def __init__(self, arguments):
        self.root = arguments.root
        self.twintrack = arguments.twintrack
        self.scene = arguments.scene
        self.documents = documents_of(self.root)
        self.faults = []

    def document(self, name):
        return next(document for document in self.documents if document.name == name)

    def fault(self, where, message):
        self.faults.append(f"{where}: {message}")

    def user_text(self):
        return "\n".join(d.text for d in self.documents if d.name != "CHANGELOG.md")


def check_links(check):
    anchors = {document.path.resolve(): document.anchors() for document in check.documents}
    for document in check.documents:
        for link in document.links():
            if re.match(r"^[a-z]+:", link.target):
                continue
            where = f"{document.name}:{link.line}"
            file, _, anchor = link.target.partition("#")
            path = (document.path.parent / file).resolve() if file else document.path.resolve()
            if not path.exists():
                check.fault(where, f"{link.target} leads nowhere")
            elif anchor and anchor not in anchors.get(path, {anchor}):
                check.fault(where, f"{link.target}: there is no such heading")
            elif not path.is_relative_to(check.root.resolve()):
                check.fault(where, f"{link.target} leaves the project")


def check_index(check):
    """Every page is reached from the README."""
    linked = {(check.root / link.target.split("#")[0]).resolve() for link in check.document("README.md").links()}
    for document in check.documents:
        if document.name.startswith("docs/") and document.path.resolve() not in linked:
            check.fault("README.md", f"does not link {document.name}")


def check_commands_are_in_their_place(check):
    """A command that can be copied stands in a block of the language sh, where it is run."""
    for document in check.documents:
        for block in document.blocks:
            if block.language == "sh":
                continue
            for offset, line in enumerate(block.lines):
                if re.match(rf"^\s*(\$ )?{COMMAND_WORDS}( \S|$)", line):
                    check.fault(f"{document.name}:{block.line + offset}", f"a command outside a block of sh: {line}")


def check_inline_commands(check):
    """Jobs and options in the running text are there."""
    for document in check.documents:
        for line, code in document.inline_code():
            if not re.match(r"^twintrack [a-z-]", code) or code == "twintrack train":
                continue
            words = [word for word in code.split() if word not in ("...", "…")]
            for fault in command_line.faults(check.root, check.twintrack, words):
                check.fault(f"{document.name}:{line}", f"{fault}: `{code}`")


def check_help_examples(check):
    """The examples that --help shows use what is there."""
    for job in [(), *command_line.all_jobs(check.twintrack), ("bundle",), ("train",)]:
        text = command_line.help_of(check.twintrack, *job).replace("\\\n", " ")
        for example in re.findall(r"^  (twintrack .*?)(?:  +\S.*)?$", text, re.MULTILINE):
            for words in command_line.simple_commands(example.replace("'", "")):
                for fault in command_line.faults(check.root, check.twintrack, words):
                    check.fault(f"twintrack {' '.join(job)} --help", f"{fault}: {example}")


def check_jobs_and_options(check):
    """Each is spoken of in a document that speaks of its job."""
    for job in command_line.all_jobs(check.twintrack):
        name = "twintrack " + " ".join(job)
        texts = [d.text for d in check.documents if d.name != "CHANGELOG.md" and (name in d.text or f"`{job[-1]}`" in d.text)]
        if not texts:
            check.fault("docs", f"no word of {name}")
        for names in command_line.options_of(check.twintrack, *job):
            option = names[-1]
            if not any(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) for text in texts):
                check.fault("docs", f"no word of {name} {option}")


def check_exit_statuses(check):
    source = (check.root / "src/twintrack/core/error.hpp").read_text()
    enumeration = re.search(r"enum class ExitStatus[^{]*\{(.*?)\}", source, re.DOTALL).group(1)
    guide = check.document("docs/guide.md").text
    for name, value in re.findall(r"(\w+) = (\d+)", enumeration):
        if not re.search(rf"^\| {value} \|", guide, re.MULTILINE):
            check.fault("docs/guide.md", f"exit status {value} ({name}) is not explained")


def literals(root):
    """The text of every string literal of the sources, pieces joined, what is filled in as "..."."""
    found = []
    for folder in ("src", "apps"):
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            text = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
            text = re.sub(r'(?<!\\)"\s*\n\s*"', "", text)
            for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text):
                found.append(re.sub(r"\{[^{}]*\}", "...", literal.replace('\\"', '"').replace("\\n", " ")))
    return "\n".join(found)


def check_messages(check):
    """Messages in the tables with a column `message` occur in the sources, `...` standing for anything."""
    sources = literals(check.root)
    for document in check.documents:
        inside = False
        for line, text in document.prose:
            if not text.startswith("|"):
                inside = False
            elif re.match(r"^\| message", text):
                inside = True
            elif inside and not re.match(r"^\|[-| ]+$", text):
                first = re.split(r"(?<!\\)\|", text)[1]
                for message in re.findall(r"`([^`]+)`", first):
                    pieces = [re.escape(piece) for piece in re.split(r"\.\.\.|…", message.replace("\\|", "|"))]
                    if not re.search("[^\n]*?".join(pieces), sources):
                        check.fault(f"{document.name}:{line}", f"no source has the message `{message}`")


# Keys that name a case, a level, a row or a file, and objects whose keys all do.
DATA_KEYS = re.compile(r"^(\d+/\d+|\d+|.*[./].*|p0\d|none|MHR|one rater|hard label)$")
NAMED_BY_DATA = {"seconds", "failed"}


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if not DATA_KEYS.match(key):
                yield key
            if key not in NAMED_BY_DATA:
                yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def produced_files(check, folder):
    """[(what, parsed JSON, documents that explain its keys), ...] as the program writes them."""
    scene = check.scene

    def run(*words):
        subprocess.run([check.twintrack, *map(str, words), "--quiet"], check=True, stdout=subprocess.DEVNULL)

    run("evaluate", "--manifest", scene / "results.csv", "-o", folder / "metrics.json", "--vessels")
    run("evaluate", "--manifest", scene / "results.csv", "-o", folder / "against.json", "--vessels",
        "--against", folder / "metrics.json")  # fmt: skip
    run("evaluate", "--manifest", scene / "organs.csv", "-o", folder / "organs.json", "--task", "curvas2024")
    run("compare", "--fit", scene / "fit.csv", "--test", scene / "test.csv", "-o", folder / "table.json")
    run("compare", "--fit", scene / "cases.csv", "--folds", 2, "-o", folder / "folds.json")
    run("calibrate", "--manifest", scene / "cases.csv", "-o", folder / "calibrator.json")
    run("predict", "-b", scene / "models/pdac", "-i", scene / "ct.nii.gz", "-o", folder / "out",
        "--vessels", scene / "vessels.nii.gz")  # fmt: skip
    metrics, formats = "docs/metrics.md", "docs/formats.md"
    files = [(folder / name, [metrics]) for name in ("metrics.json", "against.json", "organs.json", "table.json", "folds.json")]
    files += [(folder / "calibrator.json", [formats, "docs/calibration.md"]), (folder / "out/ct.json", [formats, metrics])]
    files += [(scene / "models/pdac/bundle.json", [formats])]
    return [(path.name, json.loads(path.read_text()), documents) for path, documents in files]


def check_keys(check, produced):
    """Every key that the program writes is explained."""
    for name, content, documents in produced:
        text = "\n".join(check.document(document).text for document in documents)
        for key in sorted(set(keys_of(content))):
            if not re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text):
                check.fault(documents[0], f"no word of the key \"{key}\" of {name}")


def check_examples_of_formats(check, produced):
    """Examples in JSON are JSON, and have no key that the program does not write."""
    by_format = {}
    for _, content, _ in produced:
        by_format.setdefault(content["format"], set()).update(keys_of(content))
    for document in check.documents:
        for block in document.blocks:
            if block.language != "json":
                continue
            where = f"{document.name}:{block.line}"
            try:
                example = json.loads(block.text if block.text.lstrip()[0] in "{[" else "{" + block.text + "}")
            except ValueError as error:
                check.fault(where, f"is not JSON: {error}")
                continue
            written = by_format.get(example.get("format")) if isinstance(example, dict) else None
            if written:
                for key in sorted(set(keys_of(example)) - written - {"..."}):
                    check.fault(where, f'{example["format"]} has no key "{key}"')


def check_json_output(check, folder):
    """What jobs print with --json has no key that their row of the table in formats.md does not name."""
    scene = check.scene
    table = {}
    for line in check.document("docs/formats.md").text.split("## Output with `--json`")[1].split("\n"):
        if match := re.match(r"^\| (`.*?) \| (.*) \|$", line):
            for job in re.findall(r"`([a-z -]+)`", match.group(1)):
                table.setdefault(job, []).append(match.group(2))
    small = ["--patch", "16,16,16", "--features", "8,16", "--spacing-mm", "6,6,8"]
    for job, *options in (
        ["segment", "-m", scene / "models/tumor_a", "-i", scene / "ct.nii.gz", "-o", folder / "labels"],
        ["segment", "-m", scene / "models/tumor_a", "-i", scene / "ct.nii.gz", "-o", folder / "dry", "--dry-run"],
        ["bundle create", "-o", folder / "bundle", "--member", scene / "models/tumor_a", "--tumor-label", "tumor"],
        ["bundle verify", scene / "models/pdac"],
        ["calibrate", "--manifest", scene / "cases.csv", "-o", folder / "json_calibrator.json"],
        ["evaluate", "--manifest", scene / "results.csv", "-o", folder / "json_metrics.json"],
        ["compare", "--fit", scene / "fit.csv", "--test", scene / "test.csv", "-o", folder / "json_table.json"],
        ["report", "--manifest", scene / "results.csv", "-o", folder / "cohort.html"],
        ["report", "--manifest", scene / "results.csv", "--case", "p01", "-o", folder / "case.html"],
        ["doctor"],
        ["phantom", "-o", folder / "phantoms", "--cases", "1", "--size", "48,40,24"],
        ["train plan", "-d", scene / "Dataset001_Pancreas", "-o", folder / "work", *small],
    ):
        words = [check.twintrack, *job.split(), *map(str, options), "--json"]
        printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        for line in printed.splitlines():
            document = json.loads(line)
            keys = set(document)
            for key in ("cases", "checks"):
                if isinstance(document.get(key), list):
                    keys.update(inner for element in document[key] for inner in element)
            for key in sorted(keys):
                if not any(f"`{key}`" in row for row in table.get(job, [])):
                    check.fault("docs/formats.md", f"no word of the key \"{key}\" that {job} prints with --json")


def check_exceptions(check):
    """What is excused from being run still stands somewhere, and programs excused are still named."""
    commands = [command for document in check.documents for command in document.commands()]
    texts = {command.text for command in commands if command.language == "sh"}
    programs = {words[0] for text in texts for words in command_line.simple_commands(text)}
    for text in [*exceptions.NOT_RUN, *exceptions.EXPECTED_STATUS]:
        if text not in texts:
            check.fault("tests/docs/exceptions.py", f"no document has this command any more: {text}")
    for program in exceptions.NOT_RUN_PROGRAMS:
        if program not in programs:
            check.fault("tests/docs/exceptions.py", f"no document has a command of {program} any more")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the project")
    parser.add_argument("--twintrack", required=True, help="the program")
    parser.add_argument("--scene", type=Path, required=True, help="folder that scene.py made")
    check = Check(parser.parse_args())
    for part in (check_links, check_index, check_commands_are_in_their_place, check_inline_commands, check_help_examples,
                 check_jobs_and_options, check_exit_statuses, check_messages, check_exceptions):  # fmt: skip
        part(check)
    with tempfile.TemporaryDirectory() as folder:
        produced = produced_files(check, Path(folder))
        check_json_output(check, Path(folder))
    check_keys(check, produced)
    check_examples_of_formats(check, produced)
    print("\n".join(check.faults))
    print(f"{len(check.documents)} documents, {len(check.faults)} fault(s)")
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
