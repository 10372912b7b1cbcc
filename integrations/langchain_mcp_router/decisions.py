"""The router as the decision model of langchain's own router middleware, where that exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import Runnable

from langchain_mcp_router.messages import converted
from mcp_router import Constraints, Decision, InvalidRequestError, Router, Settings, Strategy

Json = dict[str, Any]
DecisionModel = Runnable[Json, Any]
"""A `BaseDecisionModel`; its class is in langchain-core 1.8 and not before."""

_NEEDED = "langchain-core>=1.8 is needed for decision models, and langchain>=1.5 for the middleware"


def router_decision_model(
    *,
    models: Mapping[str, str] | None = None,
    strategy: Strategy | str | None = None,
    constraints: Constraints | None = None,
    router: Router | None = None,
    settings: Settings | None = None,
) -> DecisionModel:
    """Build a decision model for `langchain.agents.middleware.ModelRouterMiddleware`.

    It answers every question of choice with the label whose model the router would choose for the
    text or messages it is shown. No model is called for that. The probabilities are the labels'
    shares of the scores, 0 for a model that was ruled out; the confidence is the decision's.

    Args:
        models: the model of the catalogue for each label; a label without one names it itself.
        strategy: how models are ranked, instead of what the settings say.
        constraints: what a chosen model must satisfy.
        router: an open router to share; its owner closes it.
        settings: settings of a router of its own, where no router is given.

    Raises:
        ImportError: the installed langchain-core has no decision models.
    """
    try:
        kind = _decision_model_class()
    except ModuleNotFoundError as missing:
        raise ImportError(_NEEDED) from missing
    chooser = _Chooser(router or Router.open(settings), dict(models or {}), strategy, constraints)
    return kind(model="mcp-model-router", chooser=chooser)


class _Chooser:
    """Chooses a label; knows nothing of langchain's classes."""

    def __init__(
        self,
        router: Router,
        models: Mapping[str, str],
        strategy: Strategy | str | None,
        constraints: Constraints | None,
    ) -> None:
        self._router = router
        self._models = models
        self._strategy = strategy
        self._constraints = constraints or Constraints()

    def choose(self, state: object, labels: Sequence[str]) -> dict[str, object]:
        """Answer a question of choice among labels, as the fields of a ChoiceAnswer.

        Raises:
            RouterError: as `Router.route` raises.
        """
        resolve = self._router.catalog.resolve
        names = {resolve(self._models.get(label, label)).name: label for label in labels}
        given = self._constraints.model_dump(exclude_unset=True) | {"models": tuple(names)}
        decision = self._router.route(
            converted(_messages(state)),
            strategy=self._strategy,
            constraints=Constraints.model_validate(given),
        )
        return {
            "type": "choice",
            "choice": names[decision.model],
            "probabilities": _shares(decision, names),
            "confidence": decision.confidence,
        }


def _shares(decision: Decision, names: Mapping[str, str]) -> dict[str, float]:
    scores = {one.model: one.score for one in decision.candidates} | dict(decision.others)
    whole = sum(scores.values()) or 1.0
    return {label: scores.get(name, 0.0) / whole for name, label in names.items()}


def _messages(state: object) -> list[BaseMessage]:
    if isinstance(state, str):
        return [HumanMessage(state)]
    if isinstance(state, BaseMessage):
        return [state]
    if isinstance(state, Mapping):
        return _messages(cast("Mapping[str, object]", state).get("messages"))
    if isinstance(state, Sequence):
        found = [one for one in cast("Sequence[object]", state) if isinstance(one, BaseMessage)]
        if found:
            return found
    raise InvalidRequestError(
        field="state", problem="it holds no text and no messages", hint="Pass the last message."
    )


class _Answering(Protocol):
    model: str
    chooser: _Chooser


@cache
def _decision_model_class() -> Callable[..., DecisionModel]:
    decisions = import_module("langchain_core.decisions")

    def classify(self: _Answering, state: object, questions: Mapping[str, Any]) -> object:
        answers: dict[str, object] = {}
        for name, question in questions.items():
            if question.type != "choice":
                raise InvalidRequestError(
                    field="questions", problem="the router answers questions of choice only"
                )
            answers[name] = self.chooser.choose(state, list(question.criteria))
        return decisions.ClassifierResponse(model=self.model, answers=answers)

    fields = {
        "__doc__": "Chooses among labels as the router would choose among their models.",
        "__module__": __name__,
        "__annotations__": {"chooser": Any},
        "_provider": property(lambda _self: "mcp_router"),
        "_classify": classify,
    }
    return type("RouterDecisionModel", (decisions.BaseDecisionModel,), fields)
