"""The HTTP face: MCP for teams, and doors that speak as OpenAI's and Anthropic's APIs do."""
