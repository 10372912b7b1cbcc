"""Agent hosts: where each keeps its list of MCP servers, and how to add ours without harm."""
