"""The one error tree: each class builds its sentence from typed fields and says what to do next.

RouterError
  x ConfigError              file, key, what is allowed there
  x HostError                an agent host's file, what is wrong with it, what to do
  x InvalidRequestError      field, what is wrong with it
  x UnknownModelError        and the three nearest names
  x UnknownDecisionError     the id that is not in the store
  x NoCandidateError         one reason for each model ruled out
  x StorageError             database file, what failed
    x LostDatabaseError        the server of a shared database is out of reach
  x BudgetExceededError      limit, spent, reserved, asked, when it resets
  x UnpricedModelError       unknown price under a hard budget; how to price it
  x ProviderError            provider, model, what happened
    x ProviderTimeout          which deadline
    x ProviderConnectionError  refused, reset, no such address
    x RateLimitedError         retry_after
    x AuthenticationError
    x ContextLengthError
    x ContentFilteredError
    x ProviderHTTPError        status
    x MalformedResponseError
  x FallbackExhaustedError   every attempt, in order, with its reason
  x WorkflowError            the steps that failed, and what came of the others
  x WorkflowBusyError        the run that another process carries out, and until when
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_router.money import format_usd

if TYPE_CHECKING:
    from mcp_router.types import Attempt, Rejection, Usage
    from mcp_router.workflows.result import WorkflowResult


class RouterError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        message: one sentence that says what failed and why.
        hint: the next step for the person who reads it, or "".
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} {hint}".strip())


class ConfigError(RouterError):
    """A setting is wrong; names the place (file or variable), the key and what is allowed."""

    def __init__(self, *, place: str, key: str, problem: str, allowed: str = "") -> None:
        self.place = place
        self.key = key
        self.problem = problem
        self.allowed = allowed
        where = f"{place}: {key}" if key else place
        super().__init__(f"{where}: {problem}.", hint=f"Allowed: {allowed}." if allowed else "")


class HostError(RouterError):
    """A file of an agent host cannot be changed safely, so it was left as it is."""

    def __init__(self, *, place: str, problem: str, hint: str = "") -> None:
        self.place = place
        self.problem = problem
        super().__init__(f"{place}: {problem}.", hint=hint)


class InvalidRequestError(RouterError):
    """The task or an argument cannot be used; names the field."""

    def __init__(self, *, field: str, problem: str, hint: str = "") -> None:
        self.field = field
        super().__init__(f"{field}: {problem}.", hint=hint)


class UnknownModelError(RouterError):
    """No model, alias or role has this name; where a chain may stand, no chain either.

    `nearest` are models, and `chains`, unless None, the nearest chains.
    """

    def __init__(
        self, name: str, *, nearest: Sequence[str] = (), chains: Sequence[str] | None = None
    ) -> None:
        self.name = name
        self.nearest = tuple(nearest)
        self.chains = chains
        problem = f"No model is called {name!r}."
        close = ", ".join(nearest)
        if chains is not None:
            problem = f"{name!r} is neither a chain nor a model."
            named = (("chain", chains), ("model", self.nearest))
            close = " or ".join(
                f"the {kind if len(names) == 1 else f'{kind}s'} {', '.join(names)}"
                for kind, names in named
                if names
            )
        super().__init__(problem, hint=f"Did you mean {close}?" if close else "")


class UnknownDecisionError(RouterError):
    """The store holds no decision with this id."""

    def __init__(self, decision_id: str) -> None:
        self.decision_id = decision_id
        super().__init__(
            f"No decision {decision_id[:60]!r} is stored."
            if decision_id
            else "Nothing is decided yet.",
            hint="List recent ones with `mcp-router explain --list`.",
        )


class NoCandidateError(RouterError):
    """Every model was ruled out; `rejected` holds one reason for each."""

    def __init__(self, rejected: Sequence[Rejection], *, hint: str = "") -> None:
        self.rejected = tuple(rejected)
        counts: dict[str, int] = {}
        for rejection in rejected:
            counts[rejection.filter] = counts.get(rejection.filter, 0) + 1
        why = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        super().__init__(
            f"No model fits: all {len(self.rejected)} were ruled out ({why or 'none configured'}).",
            hint=hint or "Relax a constraint, or add a model to the config.",
        )


class StorageError(RouterError):
    """The database cannot be used; names the file and the next step."""

    def __init__(self, *, path: str, problem: str, hint: str = "") -> None:
        self.path = path
        super().__init__(f"Database {path}: {problem}.", hint=hint)


class LostDatabaseError(StorageError):
    """The server of a shared database is out of reach for now; the same may work later."""


class BudgetExceededError(RouterError):
    """A reservation would pass a limit. All amounts are nano-dollars."""

    def __init__(
        self,
        *,
        budget: str,
        limit: int,
        spent: int,
        reserved: int,
        asked: int,
        resets_at: datetime | None,
    ) -> None:
        self.budget = budget
        self.limit = limit
        self.spent = spent
        self.reserved = reserved
        self.asked = asked
        self.resets_at = resets_at
        resets = f" It resets at {resets_at.isoformat(timespec='minutes')}." if resets_at else ""
        super().__init__(
            f"The {budget} budget of ${format_usd(limit)} does not allow ${format_usd(asked)} more "
            f"(spent ${format_usd(spent)}, reserved ${format_usd(reserved)}).{resets}",
            hint="Raise it with `mcp-router budget set`, or choose a cheaper or local model.",
        )


class UnpricedModelError(RouterError):
    """A model of unknown price may not run under a hard budget."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(
            f"The price of {model} is unknown, so a budget cannot hold.",
            hint=f'Set price = {{ input = 1.0, output = 2.0 }} under [models."{model}"].',
        )


class ProviderError(RouterError):
    """A provider did not give a usable answer. Never carries the provider's own text or a key.

    `usage` is what the failed call used all the same, where the provider said so.
    """

    def __init__(self, *, provider: str, model: str, problem: str, hint: str = "") -> None:
        self.provider = provider
        self.model = model
        self.problem = problem
        self.usage: Usage | None = None
        super().__init__(f"{model} at {provider}: {problem}.", hint=hint)


class ProviderTimeout(ProviderError):
    """A deadline passed; `deadline` is connect, first_token, idle or total."""

    def __init__(self, *, provider: str, model: str, deadline: str, after_ms: int) -> None:
        self.deadline = deadline
        self.after_ms = after_ms
        problem = f"no answer within the {deadline} deadline of {after_ms} ms"
        super().__init__(provider=provider, model=model, problem=problem)


class ProviderConnectionError(ProviderError):
    """No answer began: the connection was refused or reset, or the address is not known."""


class RateLimitedError(ProviderError):
    """The provider asks to slow down; None when it did not say for how long.

    `retry_after` is in seconds and capped to what a caller would wait; `cooldown` is what was
    asked for, so that the model can be left alone that long.
    """

    def __init__(
        self,
        *,
        provider: str,
        model: str,
        retry_after: float | None,
        cooldown: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        self.cooldown = retry_after if cooldown is None else cooldown
        wait = "" if retry_after is None else f", retry after {retry_after:g} s"
        super().__init__(provider=provider, model=model, problem=f"rate limited{wait}")


class AuthenticationError(ProviderError):
    """The provider refused the key, or none is set; `variable` names where it is looked for."""

    def __init__(self, *, provider: str, model: str, variable: str | None) -> None:
        self.variable = variable
        super().__init__(
            provider=provider,
            model=model,
            problem="the key is missing or was refused",
            hint=f"Set {variable}." if variable else "",
        )


class ContextLengthError(ProviderError):
    """The request is longer than this model takes; never resent unchanged."""

    def __init__(self, *, provider: str, model: str) -> None:
        super().__init__(provider=provider, model=model, problem="the request is too long for it")


class ContentFilteredError(ProviderError):
    """The provider's content filter refused the request or the answer."""

    def __init__(self, *, provider: str, model: str) -> None:
        super().__init__(provider=provider, model=model, problem="its content filter refused this")


class ProviderHTTPError(ProviderError):
    """An HTTP status that no finer class covers.

    `code` is the provider's own short name for it, or "". `retry_after` is in seconds, capped,
    None when the provider did not say. Status 402 means that the account has no money left,
    whatever status the provider chose for it.
    """

    def __init__(
        self,
        *,
        provider: str,
        model: str,
        status: int,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.retry_after = retry_after
        named = f" ({code})" if code else ""
        super().__init__(provider=provider, model=model, problem=f"HTTP status {status}{named}")


class MalformedResponseError(ProviderError):
    """The answer is not what the wire format promises: cut, truncated or not JSON."""


class FallbackExhaustedError(RouterError):
    """Every model of the chain failed; `attempts` holds each, in order, with its reason."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        steps = "; ".join(f"{a.model}: {a.reason or a.outcome}" for a in self.attempts)
        super().__init__(
            f"No model answered after {len(self.attempts)} attempts ({steps}).",
            hint="Check `mcp-router models --check`, or widen the chain.",
        )


class WorkflowError(RouterError):
    """Steps of a workflow failed; `result` holds what came of every step."""

    def __init__(self, result: WorkflowResult) -> None:
        self.result = result
        failed = [one for one in result.steps if one.state == "failed"]
        said = "; ".join(f"{one.name}: {one.problem.rstrip('.')}" for one in failed)
        done = sum(one.state == "done" for one in result.steps)
        super().__init__(
            f"{done} of {len(result.steps)} steps of {result.name} are done, but {said}.",
            hint="Finished steps are kept: resume the run, and they are not paid for again.",
        )


class WorkflowBusyError(RouterError):
    """Another process carries a run out; `until` is None where this one had it and lost it."""

    def __init__(self, run_id: str, *, until: datetime | None) -> None:
        self.run_id = run_id
        self.until = until
        if until is None:
            super().__init__(
                f"The run {run_id!r} is not ours any more: this process was held up for so long "
                "that another one could take it over.",
                hint="Nothing more is paid for here; run it again for what the other one leaves.",
            )
            return
        super().__init__(
            f"The run {run_id!r} is being carried out by another process, which holds it until "
            f"{until.isoformat(timespec='seconds')}, and for longer while it works.",
            hint="Wait for it; if it was stopped, run this again then: finished steps are kept.",
        )
