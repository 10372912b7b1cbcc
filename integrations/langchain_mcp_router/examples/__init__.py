"""Examples to run: `python -m langchain_mcp_router.examples.chat_model`, and so on."""
