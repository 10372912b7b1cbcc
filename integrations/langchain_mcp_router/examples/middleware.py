# pyright: basic
"""An agent whose every step goes to the model that suits it, with fallback inside."""

from langchain.agents import create_agent
from langchain.messages import HumanMessage
from langchain.tools import tool

from langchain_mcp_router import ChatModelRouter, ModelRouterMiddleware
from langchain_mcp_router.examples.practice import run


@tool
def high_tide(port: str) -> str:
    """Tell when the next high tide of a port is."""
    return f"The next high tide at {port} is at 14:20."


def main() -> None:
    """Let an agent use a tool, and look at where its last step went."""
    agent = create_agent(
        ChatModelRouter(),
        tools=[high_tide],
        # With targets={"gpt": ChatOpenAI(...), "sonnet": ChatAnthropic(...)} it calls your own.
        middleware=[ModelRouterMiddleware(strategy="balanced")],
    )

    state = agent.invoke({"messages": [HumanMessage("When is high tide at Brest?")]})

    print(state["messages"][-1].text)
    step = state["router"]
    print(f"The last step went to {step['model']} for ${step['cost_usd']}.")


if __name__ == "__main__":
    run(main)
