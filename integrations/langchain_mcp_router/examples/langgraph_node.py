# pyright: basic
"""A LangGraph node that answers with the routed model; the graph's thread stays where it is."""

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langchain_mcp_router import ChatModelRouter
from langchain_mcp_router.examples.practice import run


def main() -> None:
    """Talk twice on one thread, and see that both turns went to the same model."""
    model = ChatModelRouter()

    def answer(state: MessagesState) -> dict[str, object]:
        return {"messages": [model.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    graph = builder.compile(checkpointer=InMemorySaver())

    thread: RunnableConfig = {"configurable": {"thread_id": "harbour"}}
    for question in ("What is a spring tide?", "And a neap tide?"):
        state = graph.invoke({"messages": [HumanMessage(question)]}, thread)
        said = state["messages"][-1]
        print(f"{said.response_metadata['model_name']}: {said.text}")


if __name__ == "__main__":
    run(main)
