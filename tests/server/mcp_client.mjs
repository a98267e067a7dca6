// A session of an official TypeScript client of MCP: its calls come on stdin, what it saw goes out.
import http from "node:http";

const input = await new Promise((resolve) => {
  let text = "";
  process.stdin.on("data", (chunk) => (text += chunk)).on("end", () => resolve(JSON.parse(text)));
});
const { Client, StreamableHTTPClientTransport } =
  input.package === "client"
    ? await import("@modelcontextprotocol/client")
    : {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
      };

// Like fetch, with the host of the tenant: its name has no address on this machine.
function send(url, { method = "GET", headers = {}, body } = {}) {
  const sent = { ...Object.fromEntries(new Headers(headers)), host: input.host };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: sent }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const { statusCode: status } = answer;
        const content = [202, 204, 304].includes(status) ? null : Buffer.concat(chunks);
        resolve(new Response(content, { status, headers: answer.headers }));
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${input.port}/mcp`), {
  fetch: send,
  requestInit: { headers: { Authorization: `Bearer ${input.token}` } },
});
const client = new Client({ name: "test", version: "1.0.0" });
await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const page = await client.callTool({ name: "fetch_page", arguments: { path: "/whoami" } });
const done = await client.callTool({ name: "execute_action", arguments: input.note });
const context = await client.readResource({ uri: "harmonic://context" });
await client.close();
process.stdout.write(
  JSON.stringify({
    tools,
    page: page.content[0].text,
    written: done.structuredContent.status,
    context: context.contents[0].text,
  }),
);
