# SPDX-License-Identifier: BSD-2-Clause
"""The sum of all results must be right above all when something went wrong."""

import pathlib
import subprocess

import pytest

TALLY = pathlib.Path(__file__).parent / "tally"
JUNIT = "<testsuites><testsuite>%s</testsuite></testsuites>"

SUITES = [
    # name, file, content, exit status, expected last line
    ("passes", "x.tap", "1..2\nok 1 - a\nok 2 - b\n", 0, "2 passed, 0 failed"),
    ("fails", "x.tap", "1..2\nok 1 - a\nnot ok 2 - b\n", 1, "1 passed, 1 failed"),
    ("skips", "x.tap", "1..2\nok 1 - a\nnot ok 2 # SKIP b\n", 0, "1 passed, 0 failed, 1 skipped"),
    ("skips all", "x.tap", "1..0 # SKIP no sshd\n", 0, "0 passed, 0 failed, 1 skipped"),
    ("stops early", "x.tap", "1..3\nok 1 - a\n", 0, "1 passed, 1 failed"),
    ("announces nothing", "x.tap", "ok 1 - a\n", 0, "1 passed, 1 failed"),
    ("gives up", "x.tap", "1..1\nok 1 - a\nBail out! no disk\n", 0, "1 passed, 1 failed"),
    ("crashes", "x.tap", "1..1\nok 1 - a\n", 139, "1 passed, 1 failed"),
    ("no result", "output", "nothing\n", 0, "0 passed, 1 failed"),
    ("never ended", "x.tap", "1..1\nok 1 - a\n", None, "1 passed, 1 failed"),
    ("leaks", "x.log", "1..1\nok 1 - a\nFAIL x (exit status: 1)\n", 2, "1 passed, 1 failed"),
    ("junit", "x.xml", JUNIT % "<testcase/><testcase><failure/></testcase>", 1,
     "1 passed, 1 failed"),
    ("junit error", "x.xml", JUNIT % "<testcase><error/></testcase>", 1, "0 passed, 1 failed"),
    ("junit skip", "x.xml", JUNIT % "<testcase/><testcase><skipped/></testcase>", 0,
     "1 passed, 0 failed, 1 skipped"),
    ("junit cut", "x.xml", "<testsuites><testsuite><testcase/>", 0, "0 passed, 1 failed"),
]


def run(folder):
    done = subprocess.run([TALLY, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def write_suite(folder, name, file, content, status):
    suite = folder / name
    suite.mkdir()
    (suite / file).write_text(content)
    if status is not None:
        (suite / "status").write_text(f"{status}\n")


@pytest.mark.parametrize("name,file,content,status,expected", SUITES, ids=[s[0] for s in SUITES])
def test_suite(tmp_path, name, file, content, status, expected):
    write_suite(tmp_path, name, file, content, status)
    assert run(tmp_path) == (0 if " 0 failed" in expected else 1, expected)


def test_sum(tmp_path):
    write_suite(tmp_path, "a", "x.tap", "1..1\nok 1 - a\n", 0)
    write_suite(tmp_path, "b", "x.tap", "1..2\nok 1 - a\nnot ok 2 - b\n", 1)
    write_suite(tmp_path, "c", "x.tap", "1..0 # SKIP\n", 0)
    assert run(tmp_path) == (1, "2 passed, 1 failed, 1 skipped")


def test_no_suite_at_all(tmp_path):
    assert run(tmp_path) == (1, "0 passed, 1 failed")
