"""Tools with which an agent asks the router itself: route, classify, budget and stats."""

from langchain_mcp_router import router_tools
from langchain_mcp_router.examples.practice import run


def main() -> None:
    """Ask each tool by hand, as an agent would."""
    tools = {tool.name: tool for tool in router_tools()}

    print(tools["classify"].invoke({"prompt": "Prove that there are infinitely many primes."}))
    print(tools["route"].invoke({"prompt": "Fix the login bug", "strategy": "cost_first"}))
    print(tools["budget"].invoke({}))
    print(tools["stats"].invoke({"period": "day", "by": "task"}))


if __name__ == "__main__":
    run(main)
