"""Every behaviour under a name, for random mode, the command line and parametrised tests."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mcp_router.testing.behaviours import HEALTHY, Answer, Behaviour, Fault, huge

QUICK: Mapping[str, Behaviour] = MappingProxyType(
    {
        "rate_limited": Fault.http(429),
        "rate_limited_for_1s": Fault.http(429, retry_after=1),
        "rate_limited_for_0s": Fault.http(429, retry_after=0),
        "rate_limited_in_ms": Fault.http(429, headers=(("retry-after-ms", "1500"),)),
        "rate_limited_absurdly": Fault.http(429, retry_after=276_480),
        "rate_limited_nonsense": Fault.http(429, retry_after="soon"),
        "quota_spent": Fault.http(429, wording="quota"),
        "request_invalid": Fault.http(400),
        "unauthorized": Fault.http(401),
        "forbidden": Fault.http(403),
        "model_not_found": Fault.http(404),
        "request_timeout": Fault.http(408),
        "server_error": Fault.http(500),
        "bad_gateway": Fault.http(502),
        "unavailable": Fault.http(503),
        "overloaded": Fault.http(529),
        "invalid_key": Fault.invalid_key(),
        "context_length": Fault.context_length(),
        "content_filter_prompt": Fault.content_filter(at="prompt"),
        "content_filter_answer": Fault.content_filter(at="answer"),
        "reset_before_headers": Fault.reset("before_headers"),
        "reset_mid_headers": Fault.reset("mid_headers"),
        "reset_mid_body": Fault.reset("mid_body"),
        "reset_mid_stream": Fault.reset("mid_stream"),
        "closed_before_headers": Fault.disconnect("before_headers"),
        "closed_mid_headers": Fault.disconnect("mid_headers"),
        "closed_mid_body": Fault.disconnect("mid_body"),
        "closed_mid_stream": Fault.disconnect("mid_stream"),
        "cut": Fault.cut(),
        "cut_before_content": Fault.cut(after=0),
        "cut_inside_tool_call": Fault.cut(inside="tool_call"),
        "cut_inside_character": Fault.cut(inside="character"),
        "malformed": Fault.malformed(),
        "malformed_first": Fault.malformed(after=0),
        "no_end": Fault.no_end(),
        "no_usage": Fault.no_usage(),
        "truncated": Fault.truncated(),
        "html": Fault.html(),
        "html_502": Fault.html(502),
        "error_first": Fault.error_in_200(),
        "error_mid_stream": Fault.error_in_200(after=2),
        "no_choices": Fault.no_choices(),
        "empty_body": Fault.empty_body(),
        "empty_answer": Answer(""),
        "garbage": Fault.garbage("body"),
        "garbage_connection": Fault.garbage("connection"),
        "output_limit": Answer(finish="length"),
        "small_segments": Answer(segment=7),
    }
)
"""Behaviours that are over at once; the default pool of random mode."""

SLOW: Mapping[str, Behaviour] = MappingProxyType(
    {
        "silence": Fault.silence(),
        "stall": Fault.stall(),
        "stall_before_content": Fault.stall(after=0),
        "stall_with_heartbeat": Fault.stall(heartbeat=0.05),
        "slow_headers": Answer(header_delay=0.5),
        "slow_first_token": Answer(first_delay=0.5),
        "slow_stream": Answer(chunk_delay=0.1),
        "huge": huge(),
    }
)
"""Behaviours that take their time, or the client's."""

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {"healthy": HEALTHY, **QUICK, **SLOW, "refused": Fault.refused()}
)
"""Every behaviour by name."""
