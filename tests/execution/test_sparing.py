"""What old turns repeat is left out and said; what matters for the next answer stays."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.execution.sparing import MIN_CHARS, spared
from mcp_router.types import Message, Request, ToolCall, ToolResult

FILE = "\n".join(f"line {number} of a file that somebody pasted" for number in range(20))
QUESTION = Message(role="user", content="And now?")


def says(role: str, content: str) -> Message:
    return Message.model_validate({"role": role, "content": content})


def talk(*messages: Message) -> Request:
    return Request(messages=messages)


def test_a_file_pasted_again_is_left_out_and_told() -> None:
    again = says("user", f"Here it is again:\n{FILE}\nWhat changed?")
    request = talk(
        says("user", f"Read this:\n{FILE}"),
        says("assistant", "Done."),
        again,
        says("assistant", "Nothing."),
        QUESTION,
    )
    found = spared(request)
    assert found.request.messages[:2] == request.messages[:2]
    assert found.request.messages[3:] == request.messages[3:]
    assert found.request.messages[2].content == (
        "Here it is again:\n"
        "[20 lines left out that stand above, beginning: line 0 of a file that somebody pasted]\n"
        "What changed?"
    )
    (note,) = found.notes
    assert note.startswith("left out of message 3: 20 lines, about ")
    assert note.endswith("which stand in message 1 word for word")
    assert found.tokens > 100


def test_one_long_line_counts_as_well() -> None:
    line = "x" * MIN_CHARS
    request = talk(says("user", line), says("user", f"a\n{line}\nb"), says("user", "?"), QUESTION)
    assert "x" * 50 not in str(spared(request).request.messages[1].content)


def test_what_stands_in_place_of_lines_is_no_repetition_itself() -> None:
    part, line = "a" * 150, "e" * MIN_CHARS
    text = "\n".join([part, line, "", part, part])
    request = talk(*(says("user", one) for one in (line, text, text, "?")), QUESTION)
    found = spared(request)
    assert found.request.messages[1].content == found.request.messages[2].content
    assert len(found.notes) == 2
    assert spared(found.request) == (found.request, (), 0)


def test_short_repetitions_stay() -> None:
    request = talk(*[says("user", "Go on.\nPlease.\nNow.")] * 5, QUESTION)
    assert spared(request) == (request, (), 0)


def test_the_last_question_the_answer_before_it_and_the_system_stay() -> None:
    request = talk(
        says("system", FILE),
        says("system", FILE),
        says("assistant", FILE),
        says("user", FILE),
    )
    assert spared(request).request == request


def test_what_tools_say_stays() -> None:
    call = Message(role="assistant", content=(ToolCall(id="1", name="read"),))
    result = Message(role="tool", content=(ToolResult(tool_call_id="1", content=FILE),))
    request = talk(says("user", FILE), call, result, says("assistant", "Read."), QUESTION)
    assert spared(request).request == request


def test_the_oldest_turns_go_above_a_limit_and_are_counted() -> None:
    turns = [
        says(role, f"{number} {role} " + "word " * 100)
        for number in range(6)
        for role in ("user", "assistant")
    ]
    request = talk(says("system", "Be kind."), *turns, QUESTION)
    found = spared(request, history=500)
    assert found.request.messages[0].content == "Be kind."
    assert found.request.messages[-1] == QUESTION
    (note,) = found.notes
    dropped = len(request.messages) - len(found.request.messages)
    assert note.startswith(f"left out: the {dropped} oldest messages, about ")
    assert dropped > 0


def test_a_limit_that_cannot_be_met_leaves_everything_and_says_so() -> None:
    request = talk(says("user", FILE))
    found = spared(request, history=10)
    assert found.request.messages == request.messages
    assert found.notes == ("no turn could be left out to come below 10 tokens",)


def test_many_equal_lines_take_no_time_out_of_proportion() -> None:
    text = "\n".join(["}"] * 20_000)
    request = talk(says("user", text), says("user", text), says("user", text), QUESTION)
    assert len(spared(request).notes) == 1


lines = st.sampled_from(["a" * 150, "b" * 150, "c" * 150, "", "d", "e" * MIN_CHARS])
texts = st.lists(lines, max_size=8).map("\n".join)
roles = st.sampled_from(["user", "assistant", "system"])


@given(st.lists(st.tuples(roles, texts), max_size=7))
def test_nothing_is_lost_that_does_not_stand_elsewhere(drawn: list[tuple[str, str]]) -> None:
    request = talk(*(says(role, text) for role, text in drawn), QUESTION)
    found = spared(request)
    before, after = request.messages, found.request.messages
    assert len(before) == len(after)
    assert words(before) == words(after)
    assert before[-2:] == after[-2:]
    for old, new in zip(before, after, strict=True):
        assert old.role == new.role
        assert old == new or old.role != "system"
    assert bool(found.notes) == (before != after)
    assert spared(found.request).request.messages == after


def words(messages: Sequence[Message]) -> set[str]:
    """Every line that is said somewhere, but for our own notes."""
    said = {line for one in messages for line in str(one.content).split("\n")}
    return {line for line in said if not line.startswith("[")}


def test_results_in_a_users_message_are_no_question() -> None:
    call = Message(role="assistant", content=(ToolCall(id="1", name="read"),))
    result = Message(role="user", content=(ToolResult(tool_call_id="1", content="found"),))
    asked = says("user", f"Compare:\n{FILE}")
    request = talk(says("user", FILE), says("assistant", "Read."), asked, call, result)
    assert spared(request).request == request
