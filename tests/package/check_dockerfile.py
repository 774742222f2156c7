#!/usr/bin/env python3
"""What can be said of the Dockerfile without a container engine: check_dockerfile.py SOURCE_FOLDER VERSION"""

import fnmatch
import json
import os
import re
import shlex
import sys

source, version = sys.argv[1], sys.argv[2]
problems = []


def instructions(text):
    """(keyword, rest) of every instruction, lines that end in a backslash joined."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield keyword.upper(), rest.strip()


def ignored(path):
    """The path, or a folder above it, stands in .dockerignore."""
    with open(os.path.join(source, ".dockerignore")) as lines:
        patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    parts = path.split("/")
    above = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return any(fnmatch.fnmatch(name, pattern) for name in above for pattern in patterns)


def require_in_context(path):
    if not os.path.exists(os.path.join(source, path)):
        problems.append(f"{path} does not exist")
    elif ignored(path):
        problems.append(f"{path} stands in .dockerignore")


with open(os.path.join(source, "Dockerfile")) as file:
    stages = []  # of each: name, what it begins with, its instructions
    for keyword, rest in instructions(file.read()):
        if keyword == "FROM":
            words = rest.split()
            stages.append((words[2] if len(words) > 2 else "", words[0], []))
        else:
            stages[-1][2].append((keyword, rest))

names = []
for name, begins_with, steps in stages:
    if begins_with not in names and begins_with.split(":")[0] != "debian":
        problems.append(f"FROM {begins_with}: neither Debian nor an earlier stage")
    for keyword, rest in steps:
        if keyword == "COPY" and "--from" not in rest:
            for path in rest.split()[:-1]:
                require_in_context(path)
        if keyword == "RUN":
            for mount in re.findall(r"--mount=(\S+)", rest):
                options = dict(option.split("=", 1) for option in mount.split(","))
                if "from" in options and options["from"] not in names:
                    problems.append(f"--mount of {options['from']}, which is no earlier stage")
                if "from" not in options:
                    require_in_context(options["source"])
            command = shlex.split(re.sub(r"--mount=\S+", "", rest))
            if name == "build" and not os.access(os.path.join(source, command[0]), os.X_OK):
                problems.append(f"RUN {command[0]}: not an executable file")
            if "apt-get" in rest:
                problems.append("packages are installed by the scripts, which are tested, not by the Dockerfile itself")
        if keyword in ("ENTRYPOINT", "CMD"):
            json.loads(rest)  # a list, so that signals reach the program
    names.append(name)

runtime = dict(stages[names.index("runtime")][2])
if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", runtime.get("USER", "")):
    problems.append("the runtime stage's user is not a number other than root's")
if runtime.get("ENTRYPOINT") != '["twintrack"]' or "HEALTHCHECK" not in runtime:
    problems.append("the runtime stage lacks its entry point or health command")
for label in ("title", "description", "version", "licenses"):
    if f"org.opencontainers.image.{label}=" not in runtime.get("LABEL", ""):
        problems.append(f"the runtime stage lacks the label {label}")
if "Research use only" not in runtime.get("LABEL", ""):
    problems.append("the labels do not say what the image is for")
if runtime.get("ARG") != f"VERSION={version}":
    problems.append(f"ARG {runtime.get('ARG')}: VERSION={version} is right")
if stages[-1][1] != "runtime" or stages[-1][2]:
    problems.append("the last stage, which is built by default, is not the runtime")
with open(os.path.join(source, "scripts/container-install")) as script:
    user = re.search(r"--uid (\d+)", script.read()).group(1)
if not runtime.get("USER", "").startswith(user + ":"):
    problems.append(f"USER {runtime.get('USER')}, but scripts/container-install makes the user {user}")

for problem in problems:
    print(f"Dockerfile: {problem}", file=sys.stderr)
sys.exit(1 if problems else 0)
