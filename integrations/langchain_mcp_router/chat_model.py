"""A LangChain chat model that lets the router choose, call, fall back and account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property, partial
from typing import Any, Literal, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.utils import from_env
from pydantic import Field, model_validator

from langchain_mcp_router import structured
from langchain_mcp_router.binding import ToolLike, neutral_choice, neutral_tools, tool_names
from langchain_mcp_router.calls import AUTO, Standing
from langchain_mcp_router.engine import Engine
from langchain_mcp_router.options import configured, thread_of
from mcp_router import Constraints, Router, Settings, Strategy, __version__

PROVIDER = "mcp-router"

StrategyName = Literal["balanced", "quality_first", "cost_first", "latency_first"]


class ChatModelRouter(BaseChatModel):
    """Answer with the model that fits each request, and with the next one where that fails.

    The router calls the models of its catalogue itself; with `targets` it calls your own chat
    models instead, and plans, falls back and accounts all the same.

        model = ChatModelRouter(strategy="cost_first")
        model.invoke("Say hello").response_metadata["model_name"]

    Options of one call go through its config and survive `bind_tools`, structured output and
    agents: `config={"configurable": {"router": {"strategy": "quality_first"}}}`.
    """

    model: str = AUTO
    """A model to prefer, tried before the chain; "auto" leaves the choice to the router."""
    strategy: Strategy | StrategyName | None = None
    """How models are ranked; the settings say unless this does."""
    constraints: Constraints | None = None
    """What a chosen model must satisfy."""
    chain: str | tuple[str, ...] = ()
    """The models to try, in order, or the name of a chain."""
    category: str | None = None
    """What reports group these calls by."""
    budget_tags: dict[str, str] = Field(default_factory=dict)
    """What budgets these calls count for, such as {"project": "shop"}."""
    session: str | None = None
    """The session that these calls belong to; a LangGraph thread is one unless this is set."""
    temperature: float | None = None
    """Randomness from 0 to 2; models that refuse it are not sent it."""
    max_tokens: int | None = None
    """The longest answer, in tokens."""
    timeout: float | None = None
    """Seconds for all attempts of a call together."""
    stop: list[str] | None = None
    """Sequences that end an answer."""
    max_retries: int | None = None
    """How often the same model is tried again before the next one; the settings say unless this
    does. Not for a `router` that is given."""
    streaming: bool = False
    """Whether `invoke` streams as well."""
    config_file: str | None = Field(default_factory=from_env("ROUTING_CONFIG", default=None))
    """The one settings file to read instead of the project's and the user's."""
    settings: Settings | None = Field(default=None, repr=False)
    """Ready settings, instead of a file."""
    router: Router | None = Field(default=None, exclude=True, repr=False)
    """An open router to share; its owner closes it."""
    targets: dict[str, BaseChatModel] = Field(default_factory=dict, exclude=True, repr=False)
    """Chat models of your own that make the calls, by the catalogue's name for each."""

    @cached_property
    def _engine(self) -> Engine:
        return Engine(
            router=self.router,
            settings=self.settings,
            config_file=self.config_file,
            max_retries=self.max_retries,
            targets=self.targets,
        )

    @model_validator(mode="after")
    def _set_mcp_model_router_version(self) -> Self:
        self._add_version("mcp-model-router", __version__)
        return self

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells two models apart; LangChain's caches and traces go by it."""
        own = self._standing()._asdict()
        wanted = self.constraints
        own["constraints"] = wanted and wanted.model_dump(mode="json", exclude_unset=True)
        told = {name: value for name, value in own.items() if value}
        return {**told, **self._engine.identity()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """Describe a call before its model is chosen; the answer tells tracers which it was."""
        own = {name: getattr(self, name) for name in ("model", "temperature", "max_tokens")}
        said = own | {name: kwargs[name] for name in own if kwargs.get(name) is not None}
        params = LangSmithParams(
            ls_provider=PROVIDER, ls_model_name=said["model"], ls_model_type="chat"
        )
        if said["temperature"] is not None:
            params["ls_temperature"] = said["temperature"]
        if said["max_tokens"] is not None:
            params["ls_max_tokens"] = said["max_tokens"]
        if stop or self.stop:
            params["ls_stop"] = stop or self.stop
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        # Who pays for an answer does not change it.
        same = {name: kwargs[name] for name in kwargs if name not in ("session", "budget_tags")}
        return super()._get_llm_string(stop=stop, **same)

    def _resolve_model_profile(self) -> ModelProfile | None:
        chain = self.chain if self.model == AUTO else (self.model, *_listed(self.chain))
        return self._engine.profile(chain=chain, constraints=self.constraints)

    def invoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Answer; options of this call may stand in its config.

        Raises:
            langchain_core.exceptions.ModelError: no model answered; it is a RouterError as well.
        """
        return super().invoke(input, config, stop=stop, **self._asked(config, kwargs))

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Answer, as `invoke` does."""
        return await super().ainvoke(input, config, stop=stop, **self._asked(config, kwargs))

    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Answer piece by piece; a model that fails before the first piece goes unseen.

        Raises:
            langchain_core.exceptions.ModelError: no model answered, or one broke off in the
                middle; it is a RouterError as well.
        """
        yield from super().stream(input, config, stop=stop, **self._asked(config, kwargs))

    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Answer piece by piece, as `stream` does."""
        asked = self._asked(config, kwargs)
        async for chunk in super().astream(input, config, stop=stop, **asked):
            yield chunk

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Answer event by event, as LangChain documents it."""
        events: Any = super().stream_events
        return events(input, config, **self._asked(config, kwargs))

    def astream_events(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """Answer event by event, as LangChain documents it."""
        events: Any = super().astream_events
        return events(input, config, **self._asked(config, kwargs))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        make = partial(self._agenerate, messages, stop=stop, **kwargs)
        return self._engine.bridge.run(make)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await self._engine.complete(
            messages,
            standing=self._standing(),
            stop=stop,
            given=kwargs,
            seconds=self.timeout,
        )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        make = partial(
            self._engine.stream,
            messages,
            standing=self._standing(),
            stop=stop,
            given=kwargs,
            seconds=self.timeout,
        )
        yield from self._engine.bridge.iterate(make)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        chunks = self._engine.stream(
            messages,
            standing=self._standing(),
            stop=stop,
            given=kwargs,
            seconds=self.timeout,
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to whichever model is chosen.

        Args:
            tools: functions, Pydantic classes, LangChain tools or schemas of any provider's form;
                what a provider carries out itself works with `targets` of that provider.
            tool_choice: auto, none, any, or the name of a tool.
            strict: whether arguments must fit the schema exactly, where a provider can see to it.
            kwargs: more for each call, such as `response_format` in OpenAI's form.
        """
        neutral = neutral_tools(tools, strict=strict)
        choice = neutral_choice(tool_choice, names=tool_names(neutral))
        if choice is not None:
            kwargs["tool_choice"] = choice
        if strict is not None:
            kwargs["strict"] = strict
        return self.bind(tools=neutral, **kwargs)

    def with_structured_output(
        self,
        schema: structured.Schema,
        *,
        include_raw: bool = False,
        method: structured.Method = "function_calling",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answer with an object that fits a schema.

        Args:
            schema: a Pydantic class, a TypedDict class or a JSON schema.
            include_raw: give {"raw", "parsed", "parsing_error"} instead of raising what parsing
                raises.
            method: function_calling works everywhere; json_schema lets the provider see to it;
                json_mode asks for any JSON.
            strict: whether the provider is asked to keep to the schema exactly.
            kwargs: more for each call.

        Raises:
            ValueError: there is no such method.
        """
        told = {"kwargs": {"method": method}, "schema": schema}
        kwargs["ls_structured_output_format"] = told
        if method == "function_calling":
            name = structured.tool_name(schema)
            bound = self.bind_tools(
                [schema], tool_choice=name, strict=strict, parallel_tool_calls=False, **kwargs
            )
            parser = structured.tools_parser(schema)
        elif method in ("json_schema", "json_mode"):
            form: dict[str, Any] = {"type": "json_object"}
            if method == "json_schema":
                form = structured.response_format(schema, strict=strict)
            bound = self.bind(response_format=form, **kwargs)
            parser = structured.text_parser(schema)
        else:
            raise ValueError(
                f"There is no method {method!r}: function_calling, json_schema or json_mode."
            )
        return structured.with_parser(bound, parser, include_raw=include_raw)

    def get_token_ids(self, text: str) -> list[int]:
        """Encode a text with `custom_get_token_ids`; no other tokenizer is known beforehand.

        Raises:
            NotImplementedError: none was given, for the model is chosen only when it is called.
        """
        if self.custom_get_token_ids is None:
            raise NotImplementedError(
                "The model is chosen for each call, so that no tokenizer is known before it. "
                "Set custom_get_token_ids, or count with get_num_tokens."
            )
        return self.custom_get_token_ids(text)

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, without a tokenizer to load."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_tokens_approximately([HumanMessage(text)], extra_tokens_per_message=0)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, Any] | BaseTool | Any] | None = None,
    ) -> int:
        """Estimate the tokens of a conversation, without a tokenizer to load."""
        if tools is None:
            return count_tokens_approximately(messages)
        return count_tokens_approximately(messages, tools=list(tools))

    def close(self) -> None:
        """Close the router this model opened and the thread of its synchronous calls."""
        self._engine.close()

    def _standing(self) -> Standing:
        return Standing(
            model=self.model,
            strategy=self.strategy,
            constraints=self.constraints,
            chain=self.chain,
            category=self.category,
            budget_tags=self.budget_tags,
            session=self.session,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            stop=self.stop,
        )

    def _asked(self, config: RunnableConfig | None, given: Mapping[str, Any]) -> dict[str, Any]:
        asked = {**given, **configured(config)}
        if self.session is None and "session" not in asked:
            thread = thread_of(config)
            if thread is not None:
                asked["session"] = thread
        return asked


def _listed(chain: str | tuple[str, ...]) -> tuple[str, ...]:
    return () if isinstance(chain, str) else chain
