"""What the programs named in the documentation offer: jobs and options of twintrack, make targets, presets, scripts."""

import functools
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

SEPARATORS = {"|", "||", "&&", ";", "&"}


@functools.lru_cache(maxsize=None)
def help_of(twintrack, *job):
    return subprocess.run([twintrack, *job, "--help"], check=True, capture_output=True, text=True).stdout


def section(text, title):
    match = re.search(rf"^{title}:\n((?:[ \t]+.*\n|\n(?=[ \t]))*)", text, re.MULTILINE)
    return match.group(1) if match else ""


def jobs_of(twintrack, *job):
    """Of the program, or of a job with jobs of its own."""
    return re.findall(r"^  ([a-z][a-z-]*)(?:\s|$)", section(help_of(twintrack, *job), "Jobs"), re.MULTILINE)


def options_of(twintrack, *job):
    """[["-i", "--input"], ["--series"], ...] with --help left out."""
    lines = section(help_of(twintrack, *job), "Options").splitlines()
    found = [re.findall(r"(?<![\w-])--?[a-z][a-z-]*", m.group(0)) for line in lines
             if (m := re.match(r"^  (-\w, |    )--[a-z][a-z-]*", line))]  # fmt: skip
    assert ["-h", "--help"] in found, f"no options in the help of twintrack {' '.join(job)}"
    return [names for names in found if "--help" not in names]


def all_jobs(twintrack, *job):
    """Every path of names that can be run, such as ("train", "all")."""
    below = jobs_of(twintrack, *job)
    if not below and job:
        yield job
    for name in below:
        yield from all_jobs(twintrack, *job, name)


def simple_commands(text):
    """The words of each program that the line starts; redirections and leading assignments left out."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, commands = [], []
    redirected = False
    for word in [*lexer, ";"]:
        if word in SEPARATORS:
            commands.append(words)
            words = []
        elif set(word) <= set("<>&"):
            redirected = True
        elif redirected:
            redirected = False
        elif words or not re.match(r"^\w+=", word):
            words.append(word)
    return [words for words in commands if words]


def job_of(twintrack, words):
    """(job, its arguments) of `twintrack` and what follows."""
    job, rest = (), list(words[1:])
    while rest and rest[0] in jobs_of(twintrack, *job):
        job += (rest.pop(0),)
    return job, rest


def faults_of_twintrack(twintrack, words):
    job, arguments = job_of(twintrack, words)
    if below := jobs_of(twintrack, *job):
        if arguments and arguments[0] in ("--help", "--version"):
            return []
        return [f"no job '{arguments[0] if arguments else ''}'; there are {', '.join(below)}"]
    known = {name for names in options_of(twintrack, *job) for name in names} | {"-h", "--help"}
    return [
        f"twintrack {' '.join(job)} has no option {word.split('=')[0]}"
        for word in arguments
        if re.match(r"^-{1,2}[A-Za-z]", word) and word.split("=")[0] not in known
    ]


def faults(root, twintrack, words):
    """What is wrong with a command, as far as can be told without running it."""
    root = Path(root)
    program = words[0]
    if program == "sudo":
        return faults(root, twintrack, words[1:])
    if program == "twintrack":
        return faults_of_twintrack(twintrack, words)
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE)
        asked = [word for word in words[1:] if "=" not in word]
        return [f"the Makefile has no target {word}" for word in asked if word not in targets]
    if program in ("cmake", "ctest"):
        presets = {p["name"] for p in json.loads((root / "CMakePresets.json").read_text())["configurePresets"]}
        asked = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--preset"]
        return [f"there is no preset {name}" for name in asked if name not in presets]
    if "/" in program and not program.startswith(("/", "build/", "~")):
        path = root / program
        return [] if path.is_file() and os.access(path, os.X_OK) else [f"{program} is not there, or cannot be run"]
    if program == "python3" and len(words) > 1 and words[1].endswith(".py"):
        return [] if (root / words[1]).is_file() else [f"{words[1]} is not there"]
    if program == "docker" and words[1] == "build":
        return [] if (root / "Dockerfile").is_file() else ["there is no Dockerfile"]
    return []
