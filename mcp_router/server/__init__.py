"""The MCP face: tools, resources and the stdio process that serves them."""
