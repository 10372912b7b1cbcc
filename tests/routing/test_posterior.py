"""What is believed of a model: public evidence moved by the user's own, each judgement once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.belief.beta import Belief, at_least, deviation, mean, prior
from mcp_router.routing.posterior import SURE, posterior, told
from mcp_router.routing.rank import band
from mcp_router.types import Complexity, Grades, TaskType
from tests.builders import model


def judged(good: float = 0, bad: float = 0, **changes: object) -> Grades:
    fields: dict[str, object] = {
        "task_type": "debugging",
        "complexity": "medium",
        "source": "judge",
        "cases": round(good + bad),
        "good": good,
        "bad": bad,
    }
    return Grades.model_validate({**fields, **changes})


def believed(*grades: Grades, ease: float = 0.0) -> Belief:
    level = Complexity.MEDIUM
    found = posterior(model("m"), task="debugging", complexity=level, grades=grades, ease=ease)
    return found.belief


some_grades = st.lists(
    st.builds(
        Grades,
        task_type=st.sampled_from(["debugging", "chat", "my_own"]),
        complexity=st.sampled_from(list(Complexity)),
        source=st.sampled_from(["feedback", "judge", "scorer", "scorer:tests", "experiment"]),
        cases=st.integers(1, 300),
        good=st.floats(0, 300),
        bad=st.floats(0, 300),
    ),
    max_size=8,
)


def test_without_judgements_the_public_evidence_stands() -> None:
    found = posterior(model("m"), task="debugging", complexity=Complexity.COMPLEX)
    assert mean(found.belief) == pytest.approx(found.prior.mean)
    assert sum(found.belief) == pytest.approx(found.prior.weight)
    assert (found.cases, found.elsewhere) == (0, 0)


def test_a_persons_feedback_counts_more_than_a_look_at_the_form() -> None:
    means = [
        mean(believed(judged(bad=4, source=source)))
        for source in ("feedback", "scorer:tests", "scorer")
    ]
    assert means == sorted(means)
    assert mean(believed(judged(bad=4, source="judge"))) == means[1]


def test_a_few_lucky_answers_do_not_move_it_far() -> None:
    assert mean(believed(judged(good=3))) - mean(believed()) < 0.03


@given(some_grades, st.sampled_from(["debugging", "chat"]), st.sampled_from(list(Complexity)))
def test_one_more_success_never_lowers_and_one_more_failure_never_raises(
    grades: list[Grades], task: str, level: Complexity
) -> None:
    before = mean(believed(*grades))
    better = [*grades, judged(good=1, task_type=task, complexity=level)]
    worse = [*grades, judged(bad=1, task_type=task, complexity=level)]
    assert mean(believed(*better)) >= before - 1e-9
    assert mean(believed(*worse)) <= before + 1e-9


@given(some_grades, st.floats(0.3, 0.99))
def test_one_more_success_never_makes_it_less_sure(grades: list[Grades], floor: float) -> None:
    before, after = believed(*grades), believed(*grades, judged(good=1))
    assert at_least(after, floor) >= at_least(before, floor) - 1e-9


@given(some_grades)
def test_work_elsewhere_moves_the_mean_but_is_no_case_of_this(grades: list[Grades]) -> None:
    others = [one for one in grades if one.task_type != "debugging"]
    assert sum(believed(*others)) == pytest.approx(sum(believed()))


def test_success_on_other_work_counts_less_than_on_the_same() -> None:
    here = judged(good=30)
    harder = judged(good=30, complexity="complex")
    other = judged(good=30, task_type="chat")
    means = [mean(believed(one)) for one in (here, harder, other)]
    assert means[0] > means[1] > means[2] > mean(believed())


def test_success_where_it_was_expected_says_little_of_hard_work() -> None:
    easy = [judged(good=200, task_type="chat", complexity="simple")]
    hard = [judged(good=200, task_type="chat", complexity="critical")]
    assert mean(believed()) < mean(believed(*easy)) < mean(believed(*hard))


def test_much_evidence_speaks_for_itself() -> None:
    assert mean(believed(judged(good=300, bad=700))) == pytest.approx(0.31, abs=0.02)


def test_an_easier_request_is_likelier_to_succeed() -> None:
    assert mean(believed(ease=-0.4)) < mean(believed()) < mean(believed(ease=0.2))
    with_own = [mean(believed(judged(5, 5), ease=ease)) for ease in (-0.4, 0.0)]
    assert with_own == sorted(with_own)


def test_what_is_believed_is_said_with_its_basis() -> None:
    level = Complexity.MEDIUM
    grades = [judged(10, 4, cases=14), judged(2, task_type="chat", cases=2)]
    found = posterior(model("m"), task="debugging", complexity=level, grades=grades)
    value, width = mean(found.belief), deviation(found.belief)
    assert told(found) == (
        f"{value:.2f} ± {width:.2f} from test + 14 of your own, "
        "moved by 2 of your own on other work"
    )


@given(st.floats(0.01, 0.99), st.floats(2, 200), st.floats(0.05, 0.99))
def test_nobody_whose_mean_is_below_the_floor_is_good_enough(
    rate: float, weight: float, floor: float
) -> None:
    one = prior(rate, weight=weight)
    if mean(one) < floor:
        assert band(one, floor=floor) > 0
    if band(one, floor=floor) == 0:
        assert at_least(one, floor) >= SURE


@given(st.floats(0.01, 0.99), st.floats(8, 40), st.floats(1, 5), st.floats(0.05, 0.9))
def test_to_know_less_never_makes_good_enough(
    rate: float, weight: float, times: float, floor: float
) -> None:
    wide, narrow = prior(rate, weight=weight), prior(rate, weight=weight * times)
    if band(narrow, floor=floor) > 0:
        assert band(wide, floor=floor) > 0


def test_the_surer_are_in_the_lower_band() -> None:
    bands = [band(prior(rate / 100, weight=16), floor=0.8) for rate in range(5, 100, 5)]
    assert bands == sorted(bands, reverse=True)
    assert bands[-1] == 0
    assert bands[0] == 10


@pytest.mark.parametrize("task", list(TaskType))
def test_harder_work_is_less_sure_for_the_same_judgements(task: TaskType) -> None:
    grades = [judged(12, 3, task_type="planning", complexity="medium")]
    means = [
        mean(posterior(model("m"), task=task, complexity=level, grades=grades).belief)
        for level in Complexity
        if (task, level) != ("planning", "medium")
    ]
    assert all(easy > hard for easy, hard in pairwise(means))
