# The MCP server on stdin and stdout: docker run -i --rm -v mcp-router:/data mcp-model-router
# The server for a team: compose.yaml and packaging/kubernetes, which run `serve --http`.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/router && /opt/router/bin/pip install --no-cache-dir ".[otel,postgres,report]"

FROM python:3.13-slim
LABEL io.modelcontextprotocol.server.name="io.github.mcp-model-router/mcp-model-router" \
      org.opencontainers.image.title="mcp-model-router" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --no-create-home --home-dir /data router \
    && install --directory --owner=router --mode=0700 /data
COPY --from=build /opt/router /opt/router
ENV PATH="/opt/router/bin:$PATH" \
    ROUTING_DB=/data/router.db \
    XDG_CONFIG_HOME=/data \
    XDG_DATA_HOME=/data
# By number, so that a cluster can see that it is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8787
ENTRYPOINT ["mcp-router"]
CMD ["serve"]
