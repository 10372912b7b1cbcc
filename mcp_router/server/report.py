"""The report as a page of MCP Apps, which hosts that know them show beside the answer of stats."""

from __future__ import annotations

from functools import partial

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import FunctionResource

from mcp_router.access.grant import demand
from mcp_router.server.lazy import LazyRouter
from mcp_router.server.resources import readable

REPORT_URI = "ui://mcp-router/report"
REPORT_META = {"ui": {"resourceUri": REPORT_URI}}
"""What a tool says of itself whose answers the report shows at more length."""


def report_app(router: LazyRouter) -> Apps:
    """Build the extension that serves the report; nothing is read before a host asks for it."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=REPORT_URI,
            name="report",
            title="Report",
            description="Spend, budgets, models and decisions of 30 days as a page with charts.",
            mime_type=APP_MIME_TYPE,
            # No domains are named, so the host lets the page reach none.
            meta={"ui": {"prefersBorder": True}},
            fn=partial(_page, router),
        )
    )
    return apps


def _page(lazy: LazyRouter) -> str:
    from mcp_router.dashboard.drawing import ChartsMissingError
    from mcp_router.dashboard.page import notice, page
    from mcp_router.reporting.report import Scope, read_report

    with readable():
        # It shows what everybody spent.
        demand("admin")
        router = lazy.get()
        report = read_report(
            router.store,
            catalog=router.catalog,
            now=router.now(),
            scope=Scope(baseline=router.settings.baseline),
        )
    try:
        return page(report, app=REPORT_URI)
    except ChartsMissingError as missing:
        return notice(missing, app=REPORT_URI)
