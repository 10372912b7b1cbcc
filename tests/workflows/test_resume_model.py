"""However often a run breaks off, changes and goes on, it ends as one that was never disturbed."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from mcp_router import FallbackExhaustedError, StorageError, Workflow, WorkflowStep
from mcp_router.storage.database import Database
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.workflows.graph import needs_of, order
from mcp_router.workflows.hold import Hold
from mcp_router.workflows.running import Means, Plan, run_steps
from mcp_router.workflows.runs import begin
from tests.workflows.conftest import completion

if TYPE_CHECKING:
    from mcp_router import Completion, Request, StepResult

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
STEPS = ("a", "b", "c", "d", "e")
INPUTS = ("topic", "tone")
HOW = st.sampled_from(["resume", "resume", "by id", "anew"])


class Model:
    """Says what it was asked; the step at `breaks` fails, and the database at the one after `dies`.

    `asked` are the steps that were paid for, in their order.
    """

    def __init__(self, *, breaks: frozenset[str] = frozenset(), dies: int | None = None) -> None:
        self.breaks, self.dies = breaks, dies
        self.asked: list[str] = []

    async def __call__(self, request: Request, *, step: WorkflowStep) -> Completion:
        text = str(request.messages[-1].content)
        name = text.split()[0]
        if self.dies is not None and len(self.asked) >= self.dies:
            raise StorageError(path="r.db", problem="is gone")
        self.asked.append(name)
        await anyio.lowlevel.checkpoint()
        if name in self.breaks:
            raise FallbackExhaustedError([])
        return completion(f"<{text}>")


class ResumeMachine(RuleBasedStateMachine):
    """One form that somebody edits, and runs of it that fail, die and are taken up again."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "r.db"
        self.database = self.stack.enter_context(Database.open(self.path))
        self.words = dict.fromkeys(STEPS, "do")
        named = ({"topic"}, {"a"}, {"b", "tone"}, {"c"}, {"b", "d"})
        self.needs = {name: frozenset(one) for name, one in zip(STEPS, named, strict=True)}
        self.inputs = dict.fromkeys(INPUTS, "sea")
        self.now = NOON
        self.left: tuple[str, set[str]] | None = None
        self.last: str | None = None

    def teardown(self) -> None:
        self.stack.close()

    def form(self) -> Workflow:
        tasks = {
            name: " ".join(
                [name, self.words[name], *(f"{{{{{one}}}}}" for one in sorted(self.needs[name]))]
            )
            for name in STEPS
        }
        steps = {name: WorkflowStep(task=task) for name, task in tasks.items()}
        return Workflow(name="w", inputs=dict.fromkeys(INPUTS, ""), steps=steps, max_parallel=2)

    def undisturbed(self) -> dict[str, str]:
        """Work out what every step says where nothing ever goes wrong."""
        form, said = self.form(), dict(self.inputs)
        for name in order(needs_of(form), place="w"):
            # In one go: what is filled in is no placeholder, whatever it looks like.
            text = re.sub(r"{{(\w+)}}", lambda at: said[at[1]], form.steps[name].task)
            said[name] = f"<{text}>"
        return {name: said[name] for name in STEPS}

    def go(self, model: Model, *, how: str) -> tuple[str, dict[str, StepResult] | None]:
        self.now += timedelta(minutes=1)
        runs, form = WorkflowRuns(self.database), self.form()
        begun = begin(
            runs,
            form,
            inputs=self.inputs,
            run_id=self.last if how == "by id" else None,
            resume=how == "resume",
            now=self.now,
        )
        self.last = begun.run_id
        plan = Plan(form, self.inputs, begun.run_id, begun.results)
        hold = Hold(self.database, begun.lease)
        means = Means(model, runs, lambda: self.now, hold)
        try:
            found = anyio.run(run_steps, plan, means)
        except StorageError:
            # Nobody gives the lease back, and some time passes.
            self.database.write("UPDATE workflow_leases SET until_ms = 0", ())
            return begun.run_id, None
        done = all(one.state == "done" for one in found.values())
        runs.end(begun.run_id, state="done" if done else "failed", now=self.now)
        anyio.run(hold.release)
        return begun.run_id, found

    @rule(name=st.sampled_from(STEPS), word=st.sampled_from(["do", "make", "try"]))
    def edit_a_task(self, name: str, word: str) -> None:
        if self.words[name] != word:
            self.words[name], self.left = word, None

    @rule(at=st.integers(1, 4), data=st.data())
    def need_other_steps(self, at: int, data: st.DataObject) -> None:
        known = st.sampled_from([*STEPS[:at], *INPUTS])
        found = data.draw(st.frozensets(known, max_size=3))
        if self.needs[STEPS[at]] != found:
            self.needs[STEPS[at]], self.left = found, None

    @rule(name=st.sampled_from(INPUTS), text=st.sampled_from(["sea", "land", "{{a}}"]))
    def give_another_input(self, name: str, text: str) -> None:
        if self.inputs[name] != text:
            self.inputs[name], self.left = text, None

    @rule(how=HOW, dies=st.integers(0, 4))
    def die(self, how: str, dies: int) -> None:
        model = Model(dies=dies)
        before = self.left
        run_id, found = self.go(model, how=how)
        kept = before[1] if before is not None and before[0] == run_id else set[str]()
        if found is None:
            # What was asked last may be lost with the database; what was kept is not asked again.
            assert not kept & {*model.asked}
        self.left = None

    @rule(how=HOW, breaks=st.sampled_from(["a", "c", "d", "e"]).map(frozenset))
    def fail(self, how: str, breaks: frozenset[str]) -> None:
        run_id, found = self.go(Model(breaks=breaks), how=how)
        assert found is not None
        said = self.undisturbed()
        done = {name for name, one in found.items() if one.state == "done"}
        for name in done:
            assert text_of(found[name]) == said[name]
        self.left = run_id, done

    @precondition(lambda self: self.left is not None)
    @rule()
    def take_up_what_is_left(self) -> None:
        assert self.left is not None
        run_id, done = self.left
        model = Model()
        again, found = self.go(model, how="resume")
        assert again == run_id
        assert found is not None
        assert sorted(model.asked) == sorted({*STEPS} - done)
        assert {name for name, one in found.items() if one.reused} == done
        self.left = run_id, {*STEPS}

    @rule(how=HOW)
    def finish(self, how: str) -> None:
        model = Model()
        run_id, found = self.go(model, how=how)
        assert found is not None
        assert {name: text_of(one) for name, one in found.items()} == self.undisturbed()
        reused = {name for name, one in found.items() if one.reused}
        assert sorted([*model.asked, *reused]) == sorted(STEPS)
        assert how != "anew" or not reused
        self.left = run_id, {*STEPS}

    @rule()
    def start_the_machine_again(self) -> None:
        self.database.close()
        self.database = self.stack.enter_context(Database.open(self.path))


def text_of(result: StepResult) -> str:
    assert result.completion is not None
    return result.completion.content


ResumeMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestResumeMachine = ResumeMachine.TestCase
