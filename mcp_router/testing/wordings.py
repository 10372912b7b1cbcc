"""How providers word a prompt that is too long or that a content filter refuses.

Wordings are facts of the wire, seen in public issue threads of the projects named (for example
vllm-project/vllm#20409, QwenLM/Qwen3#1321 for SGLang, BerriAI/litellm#10793) and in the
providers' own API references. Numbers are made up: a window of 8,192 tokens, 10,000 asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from mcp_router.testing.neutral import Body


class Wording(NamedTuple):
    """An HTTP status and the object that stands under "error" in the body.

    `bare` bodies have no "error" around them.
    """

    status: int
    error: Body
    bare: bool = False


_REQUESTED = (
    "This model's maximum context length is 8192 tokens. However, you requested 10000 tokens "
    "(9000 in the messages, 1000 in the completion). "
    "Please reduce the length of the messages or completion."
)


def _openai(message: str, *, code: str | int | None = None, kind: str | None = None) -> Body:
    kind = kind or "invalid_request_error"
    return {"message": message, "type": kind, "param": None, "code": code}


OPENAI_CONTEXT: Mapping[str, Wording] = MappingProxyType(
    {
        "openai": Wording(
            400,
            _openai(
                "This model's maximum context length is 8192 tokens. However, your messages "
                "resulted in 10000 tokens. Please reduce the length of the messages.",
                code="context_length_exceeded",
            )
            | {"param": "messages"},
        ),
        "openai_window": Wording(
            400,
            _openai(
                "Your input exceeds the context window of this model. "
                "Please adjust your input and try again.",
                code="context_length_exceeded",
            ),
        ),
        "deepseek": Wording(400, _openai(_REQUESTED, code="invalid_request_error")),
        "groq": Wording(
            400,
            _openai(
                "Please reduce the length of the messages or completion.",
                code="context_length_exceeded",
            ),
        ),
        "groq_413": Wording(413, _openai("Request Entity Too Large", code="request_too_large")),
        "llama_cpp": Wording(
            400,
            {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 10_000,
                "n_ctx": 8192,
            },
        ),
        "mistral": Wording(
            400,
            {
                "object": "error",
                "message": "Prompt contains 10000 tokens and 0 draft tokens, too large for model "
                "with 8192 maximum context length",
                "type": "invalid_request_prompt",
                "param": None,
                "code": "3051",
            },
            bare=True,
        ),
        "moonshot": Wording(
            400, _openai("Invalid request: Your request exceeded model token limit: 8192")
        ),
        "ollama": Wording(
            400, _openai("the input length exceeds the context length", kind="api_error")
        ),
        "openrouter": Wording(
            400,
            {
                "message": "This endpoint's maximum context length is 8192 tokens. However, you "
                "requested about 10000 tokens (9000 of text input, 1000 in the output). "
                "Please reduce the length of either one.",
                "code": 400,
            },
        ),
        "sglang": Wording(
            400,
            {
                "object": "error",
                "message": "The input (10000 tokens) is longer than the model's context length "
                "(8192 tokens).",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
            bare=True,
        ),
        "vllm": Wording(400, _openai(_REQUESTED, code=400, kind="BadRequestError")),
        "vllm_bare": Wording(
            400,
            {
                "object": "error",
                "message": _REQUESTED,
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            },
            bare=True,
        ),
        "xai": Wording(
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "This model's maximum prompt length is 8192 but the request contains "
                "10000 tokens.",
            },
            bare=True,
        ),
    }
)

ANTHROPIC_CONTEXT: Mapping[str, Wording] = MappingProxyType(
    {
        "anthropic": Wording(
            400,
            {
                "type": "invalid_request_error",
                "message": "prompt is too long: 10000 tokens > 8192 maximum",
            },
        ),
        "anthropic_output": Wording(
            400,
            {
                "type": "invalid_request_error",
                "message": "input length and `max_tokens` exceed context limit: 8000 + 1000 > "
                "8192, decrease input length or `max_tokens` and try again",
            },
        ),
        "anthropic_413": Wording(
            413,
            {
                "type": "request_too_large",
                "message": "Request exceeds the maximum size",
            },
        ),
    }
)

GEMINI_CONTEXT: Mapping[str, Wording] = MappingProxyType(
    {
        "gemini": Wording(
            400,
            {
                "code": 400,
                "message": "The input token count (10000) exceeds the maximum number of tokens "
                "allowed (8192).",
                "status": "INVALID_ARGUMENT",
            },
        )
    }
)

OPENAI_FILTER: Mapping[str, Wording] = MappingProxyType(
    {
        "openai": Wording(
            400,
            _openai(
                "Invalid prompt: your prompt was flagged as potentially violating our usage "
                "policy.",
                code="invalid_prompt",
            ),
        ),
        "openai_policy": Wording(
            400,
            _openai(
                "Your request was rejected as a result of our safety system.",
                code="content_policy_violation",
            ),
        ),
        "azure": Wording(
            400,
            {
                "message": "The response was filtered due to the prompt triggering Azure "
                "OpenAI's content management policy.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
                },
            },
        ),
    }
)


def choose(table: Mapping[str, Wording], *, name: str) -> Wording:
    """Return the named wording, or the wire's own (the first) where it has none of that name."""
    return table.get(name) or next(iter(table.values()))
