"""A chat model that chooses the model behind it, and says which it was and what it cost."""

from langchain_core.runnables import RunnableConfig

from langchain_mcp_router import ChatModelRouter
from langchain_mcp_router.examples.practice import run


def main() -> None:
    """Ask twice: once for a whole answer, once piece by piece with options of its own."""
    model = ChatModelRouter(strategy="cost_first")

    answer = model.invoke("Name three things a sailor checks before leaving port.")
    print(answer.text)
    told = answer.response_metadata
    print(f"{told['model_name']} at {told['model_provider']}, ${told['cost_usd']}")

    best: RunnableConfig = {"configurable": {"router": {"strategy": "quality_first"}}}
    for chunk in model.stream("Why do the tides turn?", best):
        print(chunk.text, end="")
    print()


if __name__ == "__main__":
    run(main)
