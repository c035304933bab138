import os
import subprocess
import sys
from functools import partial
from inspect import cleandoc

import pytest
from powers import answer_as_anybody, needs_setpriv

from cronjobs.config.load import load, read
from cronjobs.core.errors import ConfigError


def the_problem(path):
    """Return the only problem of a file that cannot be read as TOML, and check that `load` raises it."""
    loaded = read(str(path), environ={})
    assert loaded.configuration is None
    (problem,) = loaded.problems
    with pytest.raises(ConfigError) as raised:
        load(str(path), environ={})
    assert raised.value.problems == (problem,)
    assert str(raised.value) == problem.message
    return problem


def broken(directory, text):
    path = directory / "jobs.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problem = the_problem(path)
    return f"{problem.line}:{problem.column} {problem.code} {problem.message}"


def test_a_missing_file_says_which(tmp_path):
    problem = the_problem(tmp_path / "jobs.toml")

    assert (problem.code, problem.message) == ("E001", f"there is no file {tmp_path}/jobs.toml")
    assert "-f FILE" in problem.hint


def test_a_directory_cannot_be_read(tmp_path):
    assert the_problem(tmp_path).code == "E002"


@needs_setpriv
def test_a_file_without_permission_cannot_be_read(tmp_path):
    (tmp_path / "jobs.toml").write_text("")
    (tmp_path / "jobs.toml").chmod(0)
    program = (
        "import sys; from cronjobs.config.load import read; print(*read(sys.argv[1], environ={}).problems)"
    )

    problem = answer_as_anybody(program, str(tmp_path / "jobs.toml"))

    assert "'E002'" in problem
    assert f"{tmp_path}/jobs.toml cannot be read: Permission denied" in problem


def test_a_path_through_a_file_cannot_be_read(tmp_path):
    (tmp_path / "file").write_text("")

    assert the_problem(tmp_path / "file" / "jobs.toml").message.endswith("cannot be read: Not a directory")


def test_a_name_that_no_file_can_have_cannot_be_read():
    assert the_problem("a\0b").code == "E002"


def test_an_endless_file_is_too_large():
    assert the_problem("/dev/zero").message == "/dev/zero is larger than 16 MiB"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"a = 1\nb = '\xe9\xff'", "2:6 E003 the byte 0xe9 is not UTF-8"),
        ("# é\nb = 'ü".encode() + b"\xff'", "2:7 E003 the byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbf# \xff", "1:3 E003 the byte 0xff is not UTF-8"),
        ("a = 1".encode("utf-16"), "1:1 E003 the byte 0xff is not UTF-8"),
    ],
)
def test_what_is_not_utf8_is_placed_at_its_first_byte(tmp_path, data, problem):
    assert broken(tmp_path, data) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "1:4 E004 not TOML: invalid value"),
        ("# é\na = yes\n", "2:5 E004 not TOML: invalid value"),
        ('a = "x', "1:6 E004 not TOML: unterminated string"),
        ('a = 1\nb = """x\n\nc = 2\n', "2:8 E004 not TOML: unterminated string"),
        ('a = "x\nb = 1', "1:7 E004 not TOML: illegal character '\\n'"),
        ("a = 1 b = 2", "1:7 E004 not TOML: expected newline or end of document after a statement"),
        ("a\n", "1:2 E004 not TOML: expected '=' after a key in a key/value pair"),
        ("[a\nb = 1", "1:3 E004 not TOML: expected ']' at the end of a table declaration"),
        ("a = [1,\n2\n", "1:5 E004 not TOML: unclosed array"),
        (r'a = "\q"', "1:6 E004 not TOML: unescaped '\\' in a string"),
        ("a = 1\n\0", "2:1 E004 not TOML: invalid statement"),
        ("a = 0x" + "f" * 10 + "g", "1:17 E004"),
        ("b = 1\na = -" + "9" * 5000, "2:6 E004 a number of thousands of digits"),
    ],
)
def test_what_is_not_toml_is_placed(tmp_path, text, problem):
    assert broken(tmp_path, text).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1\na = 2", "2:1 E005 `a` is defined twice | line 1 defines it first"),
        ("a = 1\n  'a' = 2\nb = 3", "2:3 E005 `a` is defined twice | line 1 defines it first"),
        ("[jobs.a]\nb = 1\n\n[jobs.a]\n", "4:7 E005 `jobs.a` is defined twice | line 1 defines it first"),
        (
            "[a]\nb = 1\nc = {d = 1}\nb = [{c = 1}]",
            "4:1 E005 `a.b` is defined twice | line 2 defines it first",
        ),
        ("[a]\nb = 1\n[a.b]", "3:4 E005 `a.b` is defined twice | line 2 defines it first"),
        ("[a]\nb = 1\n[a.b.c]", "3:6 E005 `a.b.c` is defined twice | line 2 defines it first"),
        ("a = {b = 1, c = 2, b = 3}", "1:20 E005 `a.b` is defined twice | line 1 defines it first"),
        ("a = {b = 1}\n[a.c]", "2:4 E005 `a.c` is defined twice | line 1 defines it first"),
        ("a = {b = 1}\na.c = 1", "2:3 E005 `a.c` is defined twice | line 1 defines it first"),
        ("a.b = 1\n[a]\n", "2:2 E005 `a` is defined twice | line 1 defines it first"),
        ("[[a]]\n[a]", "2:2 E005 `a` is defined twice | line 1 defines it first"),
        ("a = 1\n[[a]]", "2:3 E005 `a` is defined twice | line 1 defines it first"),
    ],
)
def test_what_is_defined_twice_is_placed_at_the_second(tmp_path, text, problem):
    (tmp_path / "jobs.toml").write_text(text)
    found = the_problem(tmp_path / "jobs.toml")

    assert f"{found.line}:{found.column} {found.code} {found.message} | {found.hint}" == problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = " + "[" * 5000, "1:69"),
        ("b = 1\na = " + "{a=" * 5000, "2:197"),
        ("a" + ".a" * 5000 + " = 1", "1:1"),
        ("b = 1\n[" + "a . " * 5000 + "a]", "2:2"),
        ("[[" + "'a'." * 5000 + "a]]", "1:3"),
    ],
)
@pytest.mark.parametrize("recursion_limit", [1_000, 20_000])
def test_deep_nesting_is_a_problem_and_no_crash(tmp_path, request, text, place, recursion_limit):
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(recursion_limit)

    assert broken(tmp_path, text) == f"{place} E006 nested more than 64 levels deep"


def test_a_mistake_before_a_deep_nest_comes_first(tmp_path, request):
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(20_000)

    assert broken(tmp_path, "a = \nb = " + "[" * 100) == "1:5 E004 not TOML: invalid value"


def test_a_value_that_is_nested_deeply_is_a_problem_of_its_job(tmp_path):
    path = tmp_path / "jobs.toml"
    path.write_text("[jobs.a]\ncallable='a:b'\nschedule='@daily'\nargs.x = " + "[" * 70 + "]" * 70)

    (problem,) = read(str(path), environ={}).problems

    assert (problem.code, problem.line) == ("E006", 4)


HOSTILE = cleandoc(
    """
    import resource, sys
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    from cronjobs.config.load import read
    MIB = 1 << 20
    for text in [
        "a = " + "[" * MIB, "a = " + "{a=" * (MIB // 3), "a" + ".a" * (MIB // 2) + " = 1", "a" * MIB,
        "[" + "a." * (MIB // 2) + "a]", "'" * MIB, '"' * MIB, "#" * MIB, chr(10) * MIB, " " * MIB,
        chr(0) * MIB,
        'a = "' + chr(92) * MIB, ("[[jobs]]" + chr(10)) * (MIB // 9), "a = " + "9" * MIB,
        "[jobs.a]" + chr(10) + "args.x = '" + "${A}" * (MIB // 4) + "'",
        "[jobs.a]" + chr(10) + "args.x = '" + "${" * (MIB // 2) + "'",
        "[jobs.a]" + chr(10) + "timeout = '" + "1s" * (MIB // 2) + "'",
        "[jobs.a]" + chr(10) + "callable = '" + "a" * MIB + "'",
        "[jobs.a]" + chr(10) + "schedule = '" + "*" * MIB + "'",
        "[jobs.a]" + chr(10) + "number_of_executions = 0x" + "f" * MIB,
        "[jobs." + "a" * MIB + "]",
        "".join(f"k{number} = 1" + chr(10) for number in range(MIB // 8)),
        "[jobs.a]" + chr(10) + "".join(f"k{number} = 1" + chr(10) for number in range(MIB // 8)),
        "".join(f"[jobs.j{number}]" + chr(10) for number in range(MIB // 12)),
    ]:
        with open(sys.argv[1], "w") as file:
            file.write(text)
        for problem in read(sys.argv[1], environ={}).problems:
            assert len(problem.message) + len(problem.hint) < 500, problem
    """
)


def test_a_hostile_file_of_a_mebibyte_is_read_in_little_time_and_memory(tmp_path):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(tmp_path / "jobs.toml")],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
