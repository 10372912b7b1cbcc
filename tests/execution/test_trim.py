"""Old turns give way, and what belongs together stays together."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.execution.trim import trim
from mcp_router.types import Message, Text, ToolCall, ToolResult

SYSTEM = Message(role="system", content="be kind")


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def call(name: str) -> Message:
    return Message(role="assistant", content=(ToolCall(id=name, name="look"),))


def result(name: str, role: str = "tool") -> Message:
    part = ToolResult(tool_call_id=name, content="found")
    return Message.model_validate({"role": role, "content": (part,)})


def one_each(messages: Sequence[Message]) -> int:
    return len(messages)


def kept(messages: Sequence[Message], limit: int) -> list[Message] | None:
    trimmed = trim(messages, limit=limit, measure=one_each)
    if trimmed is None:
        return None
    assert trimmed.dropped == len(messages) - len(trimmed.messages)
    return list(trimmed.messages)


def test_the_oldest_exchange_goes_first_whole() -> None:
    talk = [SYSTEM, user("1"), assistant("a"), user("2"), assistant("b"), user("3")]
    assert kept(talk, 6) == talk
    assert kept(talk, 5) == [SYSTEM, *talk[3:]]
    assert kept(talk, 2) == [SYSTEM, user("3")]


def test_the_system_and_the_last_question_never_go() -> None:
    assert kept([SYSTEM, user("1"), assistant("a"), user("2")], 1) is None


def test_a_call_goes_with_its_results() -> None:
    talk = [user("1"), call("x"), result("x"), assistant("a"), user("2")]
    assert kept(talk, 4) == [user("2")]


def test_results_in_a_users_message_are_no_question() -> None:
    talk = [user("1"), call("x"), result("x", role="user"), user("2")]
    assert kept(talk, 3) == [user("2")]


def test_in_a_long_run_of_tools_the_question_and_the_last_round_stay() -> None:
    rounds = [call("x"), result("x"), call("y"), result("y"), call("z"), result("z")]
    talk = [SYSTEM, user("go"), *rounds]
    assert kept(talk, 6) == [SYSTEM, user("go"), *rounds[2:]]
    assert kept(talk, 4) == [SYSTEM, user("go"), *rounds[4:]]
    assert kept(talk, 3) is None


def test_a_conversation_without_a_question_keeps_its_end() -> None:
    assert kept([assistant("a")], 1) == [assistant("a")]
    assert kept([], 0) == []


turns = st.lists(
    st.sampled_from(["question", "answer", "tools", "tools in user", "system"]), max_size=12
)


@given(kinds=turns, limit=st.integers(0, 30))
def test_no_result_is_left_without_its_call_and_nothing_changes_order(
    kinds: list[str], limit: int
) -> None:
    talk: list[Message] = []
    for number, kind in enumerate(kinds):
        match kind:
            case "question":
                talk.append(user(f"q{number}"))
            case "answer":
                talk.append(Message(role="assistant", content=(Text(text=f"a{number}"),)))
            case "system":
                talk.append(Message(role="system", content=f"s{number}"))
            case _:
                role = "user" if "user" in kind else "tool"
                talk += [call(f"t{number}"), result(f"t{number}", role=role)]
    left = kept(talk, limit)
    if left is None:
        assert len(talk) > limit
        return
    assert len(left) <= max(limit, 0) or left == talk
    assert left == [one for one in talk if one in left]
    assert [one for one in talk if one.role == "system"] == [o for o in left if o.role == "system"]
    questions = [one for one in talk if one.role == "user" and isinstance(one.content, str)]
    assert not questions or questions[-1] in left
    calls = {part.id for one in left for part in one.content if isinstance(part, ToolCall)}
    results = {
        part.tool_call_id for one in left for part in one.content if isinstance(part, ToolResult)
    }
    assert calls == results
