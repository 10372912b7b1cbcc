"""The one place where what goes wrong at a provider becomes one of our errors.

A provider's words are matched against patterns and then forgotten: nothing of them reaches a
message but the HTTP status and a short code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from mcp_router.errors import (
    AuthenticationError,
    ContentFilteredError,
    ContextLengthError,
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderHTTPError,
    RateLimitedError,
)
from mcp_router.providers.reading import as_list, as_object, as_text
from mcp_router.providers.retry_after import RetryAfter, retry_after
from mcp_router.providers.wire import Target

_CODE = re.compile(r"[a-z0-9_.-]{1,64}")
_HTTP_STATUS = re.compile(r"[45][0-9]{2}")
_MOST_WORDS = 4_000

# What providers and servers say when a request passes the window: Anthropic, OpenAI, Gemini,
# xAI, Mistral, Groq, Together, OpenRouter, Moonshot, Bedrock, vLLM, sglang, TGI, Ollama,
# llama.cpp, LM Studio.
_TOO_LONG = re.compile(
    r"context[_ -](?:length|window|size|limit)[_ -]exceed"
    r"|exceed\w* (?:the )?(?:model'?s )?(?:available |maximum |max )?context"
    r"|maximum (?:context|prompt|model|allowed input|input) length"
    r"|context window exceeds limit"
    r"|(?:prompt|input|request|messages?) (?:is |are |was |were )?too (?:long|large)"
    r"|(?:longer|greater|larger) than the (?:model'?s )?(?:maximum )?(?:context|model) length"
    r"|input token count .{0,40}exceed"
    r"|reduce the length of (?:the|your) (?:messages|input|prompt)"
    r"|exceed\w* (?:the )?model'?s? token limit"
    r"|token limit exceeded|exceed\w* max_(?:seq|model)_len"
    r"|too many (?:input|prompt) tokens"
    r"|inputs?`? tokens \+ `?max_new_tokens`? must be"
    r"|model_max_prompt_tokens_exceeded|string_above_max_length|request_too_large",
    re.DOTALL,
)
_FILTERED = re.compile(
    r"content[_ ]?filter|content[_ ]policy|content management policy|responsibleaipolicy"
    r"|data_?inspection_?failed|content exists risk|violates? (?:our |the )?(?:usage|content)"
    r"|flagged (?:by|as|for)|requires moderation|invalid_prompt|safety_violation"
)
_BAD_KEY = re.compile(
    r"api[ _-]?key (?:is )?not (?:valid|found)|api_key_invalid|invalid[ _]api[ _-]?key"
    r"|incorrect api key|invalid authentication|invalid_api_key|invalid x-api-key"
)
_NO_MONEY = re.compile(
    r"insufficient_quota|insufficient[ _](?:balance|credits?|funds)|credit balance is too low"
    r"|billing_hard_limit|billing_not_active"
)
_NO_MODEL = re.compile(r"model_not_found|model not exist|no such model|unknown_model")
_STATUSES = {
    "authentication_error": 401,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "resource_exhausted": 429,
    "server_error": 500,
    "api_error": 500,
    "internal": 500,
    "internal_server_error": 500,
    "timeout_error": 504,
    "unavailable": 503,
}


class FailedAnswer(NamedTuple):
    """An HTTP answer that is not a success; header names in lower case, a body that may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Fault(NamedTuple):
    """What a failure says of itself: for matching only, but for the code."""

    status: int
    code: str
    words: str
    wait: RetryAfter


def failed_answer(target: Target, answer: FailedAnswer, *, now: datetime) -> ProviderError:
    """Name what an HTTP failure means; `now` is UTC, for waits given as a moment."""
    body = answer.body.decode("utf-8", "replace")
    try:
        error: object = json.loads(body)
    except (ValueError, RecursionError):
        error = body
    wait = retry_after(answer.headers, now=now, hint=_retry_delay(error))
    return _named(target, _fault(target, error, status=answer.status, wait=wait))


def failure_in_answer(target: Target, error: object) -> ProviderError:
    """Name what a failure means that came inside an answer of status 200 or inside a stream."""
    found = _named(target, _fault(target, error, status=0, wait=RetryAfter()))
    if isinstance(found, ProviderHTTPError) and not found.status:
        return malformed(target, "it reported a failure inside its answer")
    return found


def malformed(target: Target, problem: str, *, hint: str = "") -> MalformedResponseError:
    """Say that the answer breaks its wire format."""
    return MalformedResponseError(
        provider=target.provider.name, model=target.model.name, problem=problem, hint=hint
    )


def filtered(target: Target) -> ContentFilteredError:
    """Say that the provider's filter refused the request or the answer."""
    return ContentFilteredError(provider=target.provider.name, model=target.model.name)


def bad_key(target: Target) -> AuthenticationError:
    """Say that the key is missing, unusable or refused."""
    return AuthenticationError(
        provider=target.provider.name,
        model=target.model.name,
        variable=target.provider.api_key_env,
    )


def unsendable(target: Target) -> ProviderConnectionError:
    """Say that no request can be made of the address or the headers in the settings."""
    return ProviderConnectionError(
        provider=target.provider.name,
        model=target.model.name,
        problem="its address or its headers cannot be sent",
        hint="Check base_url and headers.",
    )


def unreachable(target: Target, error: BaseException) -> ProviderConnectionError:
    """Say why no answer began, from the operating system's error below the client's."""
    problem, hint = "the connection was lost before an answer began", ""
    for cause in _causes(error):
        name = type(cause).__name__
        if isinstance(cause, ConnectionRefusedError):
            problem, hint = "it refused the connection", "Is it running, and is base_url right?"
        elif name == "gaierror":
            problem, hint = "its address is not known", "Check base_url and the network."
        elif name in ("SSLError", "SSLCertVerificationError"):
            problem = "the encrypted connection failed"
        elif name == "ProxyError":
            problem, hint = "the proxy failed", "Check HTTPS_PROXY and NO_PROXY."
        elif name == "ConnectError":
            problem = "it could not be reached"
        else:
            continue
    return ProviderConnectionError(
        provider=target.provider.name, model=target.model.name, problem=problem, hint=hint
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all below it, outermost first."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in cast(BaseExceptionGroup[BaseException], error).exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _fault(target: Target, error: object, *, status: int, wait: RetryAfter) -> _Fault:
    if isinstance(error, list):
        # Gemini wraps the failure of a stream in an array.
        error = next(iter(as_list(cast(object, error))), None)
    outer = as_object(error)
    inner = as_object(outer.get("error")) or outer
    names = [inner.get(key) for key in ("code", "type", "status")]
    texts = [*names, inner.get("message"), inner.get("innererror"), inner.get("details")]
    texts.append(inner.get("metadata") or outer.get("message") or outer.get("error") or error)
    words = " ".join(_words(text) for text in texts if text)[:_MOST_WORDS].lower()
    code = next((found for found in map(_code, names) if found), "")
    if target.api_key and code in target.api_key.lower():
        code = ""
    return _Fault(status or _status(names), code, words, wait)


def _words(value: object) -> str:
    if isinstance(value, str):
        return value[:_MOST_WORDS]
    try:
        return json.dumps(value)[:_MOST_WORDS]
    except RecursionError:
        # What was just shallow enough to be read may be too deep to be written from here.
        return ""


def _code(value: object) -> str:
    code = as_text(value).lower()
    return code if _CODE.fullmatch(code) and not code.isdigit() else ""


def _status(names: list[Any]) -> int:
    for name in names:
        if isinstance(name, int) and 400 <= name <= 599:
            return name
        text = as_text(name).lower()
        if _HTTP_STATUS.fullmatch(text):
            return int(text)
        if text in _STATUSES:
            return _STATUSES[text]
    return 0


def _retry_delay(error: object) -> str:
    """Find google.rpc.RetryInfo in a Gemini error."""
    if isinstance(error, list):
        error = next(iter(as_list(cast(object, error))), None)
    details = as_list(as_object(as_object(error).get("error")).get("details"))
    delays = (as_text(as_object(one).get("retryDelay")) for one in details)
    return next((delay for delay in delays if delay), "")


def _named(target: Target, fault: _Fault) -> ProviderError:
    """Choose the class; the finer reading of the words goes before the status."""
    provider, model = target.provider.name, target.model.name
    if fault.status < 500 and _NO_MONEY.search(fault.words):
        return ProviderHTTPError(provider=provider, model=model, status=402, code=fault.code)
    if fault.status == 401 or (fault.status in (400, 403) and _BAD_KEY.search(fault.words)):
        return bad_key(target)
    if fault.status not in (404, 408) and _TOO_LONG.search(fault.words):
        return ContextLengthError(provider=provider, model=model)
    if fault.status < 500 and fault.status != 429 and _FILTERED.search(fault.words):
        return filtered(target)
    if fault.status == 403:
        return bad_key(target)
    if fault.status == 413:
        return ContextLengthError(provider=provider, model=model)
    if fault.status == 429:
        return RateLimitedError(
            provider=provider,
            model=model,
            retry_after=fault.wait.wait,
            cooldown=fault.wait.asked,
        )
    status = 404 if fault.status == 400 and _NO_MODEL.search(fault.words) else fault.status
    return ProviderHTTPError(
        provider=provider,
        model=model,
        status=status,
        code=fault.code,
        retry_after=fault.wait.wait,
    )
