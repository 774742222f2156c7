"""Runs every command of one document, in the order in which it is read, in a folder with the scene's files.

Commands stand in code blocks of the language `sh`; a block of the language `python` is one command. One that is not run must be in exceptions.py with a reason; its
job, options, targets and files are checked nevertheless. Status 1 when a command does not end as it should.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import command_line
import exceptions
from markdown import Document

TIMEOUT_S = 300


def reason_not_to_run(command, arguments):
    if command.language == "python":
        return None if arguments.python_path else "this build has no Python module"
    if command.text in exceptions.NOT_RUN:
        return exceptions.NOT_RUN[command.text]
    for words in command_line.simple_commands(command.text):
        if words[0] in exceptions.NOT_RUN_PROGRAMS:
            return exceptions.NOT_RUN_PROGRAMS[words[0]]
        if words[0] in exceptions.MAY_BE_MISSING and not shutil.which(words[0]):
            return f"this machine has no {words[0]}"
        if words[0] == "twintrack" and not arguments.torch:
            if command_line.job_of(arguments.twintrack, words)[0] in exceptions.NEED_TORCH:
                return "this build has no libtorch"
    return None


def made_small(twintrack, text):
    """The command as the test runs it: results of the scene replaced, trainings and phantoms small."""
    commands = command_line.simple_commands(text)
    if len(commands) != 1 or commands[0][0] != "twintrack":
        return text
    job, given = command_line.job_of(twintrack, commands[0])
    for option, value in exceptions.SMALLER.get(job, {}).items():
        if option in given:
            given[given.index(option) + 1] = value
        else:
            given += [option, value]
    for option, value in exceptions.REPLACED.items():
        if option in given:
            given[given.index(option) + 1] = value
    if job in exceptions.OVERWRITTEN and "--overwrite" not in given:
        given.append("--overwrite")
    tail = text[text.index(">") :] if ">" in text else ""
    return f"{shlex.join(['twintrack', *job, *given])} {tail}"


def faults(command, arguments):
    if command.language == "python":
        return []
    return [
        fault
        for words in command_line.simple_commands(command.text)
        for fault in command_line.faults(arguments.root, arguments.twintrack, words)
    ]


def prepare(arguments, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(arguments.scene, scratch / "scene")
    (scratch / "bin").mkdir()
    (scratch / "bin" / "twintrack").symlink_to(arguments.twintrack)
    (scratch / "bin" / "python3").symlink_to(sys.executable)
    environment = dict(os.environ, PATH=f"{scratch / 'bin'}:{os.environ['PATH']}", OMP_WAIT_POLICY="passive")
    environment.update(HOME=str(scratch), NO_COLOR="1", PYTHONDONTWRITEBYTECODE="1")
    if arguments.python_path:
        environment["PYTHONPATH"] = arguments.python_path
    return environment


def run(command, arguments, folder, environment):
    """Whether it ended as it should."""
    if command.language == "python":
        text = "python3 -c " + shlex.quote(command.text)
    else:
        text = made_small(arguments.twintrack, command.text)
    expected, _ = exceptions.EXPECTED_STATUS.get(command.text, (0, ""))
    start = time.monotonic()
    try:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", text], cwd=folder, env=environment, timeout=TIMEOUT_S,
                              capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)  # fmt: skip
        status, output = done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    except subprocess.TimeoutExpired:
        status, output = f"none after {TIMEOUT_S} s", ""
    first_line = command.text.split("\n")[0]
    print(f"{command.document}:{command.line}: {time.monotonic() - start:5.1f} s  {first_line}", flush=True)
    if status == expected:
        return True
    print(f"FAILED: exit status {status}, expected {expected}, of\n  {text}\n{output}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the project")
    parser.add_argument("--twintrack", required=True, help="the program")
    parser.add_argument("--scene", type=Path, required=True, help="folder that scene.py made")
    parser.add_argument("--scratch", type=Path, required=True, help="folder to work in; replaced")
    parser.add_argument("--document", required=True, help="relative to the project")
    parser.add_argument("--torch", action="store_true", help="the program has its libtorch plug-in")
    parser.add_argument("--python-path", help="folder of the Python module")
    arguments = parser.parse_args()

    scratch = arguments.scratch / arguments.document.replace("/", "_")
    environment = None
    failed = run_count = 0
    for command in Document(arguments.root / arguments.document, arguments.root).commands():
        wrong = faults(command, arguments)
        for fault in wrong:
            print(f"{command.document}:{command.line}: {fault}\n  {command.text}", flush=True)
        failed += bool(wrong)
        if wrong:
            continue
        if reason := reason_not_to_run(command, arguments):
            print(f"{command.document}:{command.line}: not run ({reason}): {command.text}", flush=True)
            continue
        environment = environment or prepare(arguments, scratch)
        run_count += 1
        failed += not run(command, arguments, scratch / "scene", environment)
    print(f"{arguments.document}: {run_count} command(s) run, {failed} failed")
    if not failed:
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
