"""Each line of a batch is a task or one clear problem, whatever stands on the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router import InvalidRequestError
from mcp_router.workflows.rows import Row, read_rows, task_of

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["id", "prompt", "messages", "system", "mode", "options", "timeout_s", "chain", "tags", "x"]
    ),
    JSON,
)


def rows(folder: Path, content: bytes) -> tuple[Row, ...]:
    file = folder / "tasks.jsonl"
    file.write_bytes(content)
    return read_rows(file)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(FIELDS.map(json.dumps), st.text(max_size=20), JSON.map(json.dumps))))
def test_any_file_gives_rows_with_ids_of_their_own_and_tasks_or_problems(
    tmp_path: Path, lines: list[str]
) -> None:
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    found = rows(tmp_path, content)
    assert len(found) == sum(bool(one.strip()) for one in content.split(b"\n"))
    good = [one.id for one in found if not one.problem]
    assert len({*good}) == len(good)
    for row in found:
        problem = row.problem
        try:
            problem = problem or task_of(row, defaults={}).request.messages
        except InvalidRequestError as error:
            problem = error.message
        assert problem
        assert not isinstance(problem, str) or "\n" not in problem


def test_a_row_is_its_request_over_the_defaults(tmp_path: Path) -> None:
    lines = [
        {"id": 7, "prompt": "Hi", "system": "Be brief", "max_tokens": 5, "timeout_s": 2},
        {"messages": [{"role": "user", "content": "Ho"}], "mode": "cascade", "options": {"n": 2}},
    ]
    content = b"\xef\xbb\xbf" + "\r\n".join(map(json.dumps, lines)).encode()
    first, second = rows(tmp_path, content)
    assert (first.id, first.line, second.id, second.line) == ("7", 1, "line-2", 2)
    defaults = {"max_tokens": 100, "chain": "fast", "timeout_s": 9.0}
    task = task_of(first, defaults=defaults)
    assert [one.content for one in task.request.messages] == ["Be brief", "Hi"]
    assert (task.request.max_tokens, task.request.chain, task.timeout_s) == (5, "fast", 2.0)
    other = task_of(second, defaults=defaults)
    assert (other.mode.value, other.options.n, other.timeout_s) == ("cascade", 2, 9.0)
    assert other.request.max_tokens == 100


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("3", "it is not a JSON object"),
        ('{"id": {}, "prompt": "x"}', "its id is neither text nor a whole number"),
        ('{"id": true, "prompt": "x"}', "its id is neither"),
        ('{"id": "", "prompt": "x"}', "its id is neither"),
        (json.dumps({"id": "x" * 201, "prompt": "x"}), "its id is longer than 200"),
        ("{}", "give a prompt or messages"),
        ('{"prompt": "x", "messages": []}', "give a prompt or messages"),
        ('{"prompt": ""}', "prompt: is empty"),
        ('{"prompt": 3}', "prompt: it is not text"),
        ('{"prompt": "x", "system": {}}', "system: it is not text"),
        ('{"messages": [{"role": "user", "content": 3}]}', "messages.content: "),
        ('{"prompt": "x", "mode": "solo"}', "mode: it is none of single"),
        ('{"prompt": "x", "timeout_s": "1"}', "timeout_s: is not a number"),
        ('{"prompt": "x", "colour": "red"}', "colour"),
    ],
)
def test_a_bad_row_says_what_is_wrong_with_it(line: str, said: str, tmp_path: Path) -> None:
    (row,) = rows(tmp_path, line.encode())
    with pytest.raises(InvalidRequestError) as caught:
        task_of(row, defaults={})
    assert said in caught.value.message


def test_an_id_that_comes_twice_is_a_problem_of_the_second(tmp_path: Path) -> None:
    first, second, third = rows(
        tmp_path, b'{"id": 1, "prompt": "x"}\n{"id": "1", "prompt": "y"}\n{"id": 2, "prompt": "z"}'
    )
    assert (first.problem, second.problem, third.problem) == (
        "",
        "the id '1' is that of line 1",
        "",
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "directory"), (tmp_path / "none", "No such file")):
        with pytest.raises(InvalidRequestError, match=why) as caught:
            read_rows(path)
        assert caught.value.message.startswith(str(path))
