// A session of an official TypeScript client of MCP: its calls come on stdin, what it saw goes out.
import http from "node:http";

const STATELESS = "2026-07-28";
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

// The versions in the headers of all requests.
const versions = new Set();

// Like fetch, with the host of the tenant: its name has no address on this machine.
function send(url, { method = "GET", headers = {}, body } = {}) {
  const sent = { ...Object.fromEntries(new Headers(headers)), host: input.host };
  if (sent["mcp-protocol-version"]) versions.add(sent["mcp-protocol-version"]);
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

// Connect in the version of the input. Clients ask for the newest one that begins with `initialize`.
async function connected(token, headers = {}) {
  const transport = new StreamableHTTPClientTransport(
    new URL(`http://127.0.0.1:${input.port}/mcp`),
    { fetch: send, requestInit: { headers: { Authorization: `Bearer ${token}`, ...headers } } },
  );
  const sending = transport.send.bind(transport);
  transport.send = (message, options) =>
    sending(
      message.method === "initialize"
        ? { ...message, params: { ...message.params, protocolVersion: input.version } }
        : message,
      options,
    );
  const isStateless = input.version === STATELESS;
  const options = isStateless ? { versionNegotiation: { mode: { pin: STATELESS } } } : {};
  const client = new Client({ name: "test", version: "1.0.0" }, options);
  await client.connect(transport);
  return client;
}

// The status of the response that refuses a connection, or 0.
async function refusal(headers) {
  try {
    await connected(input.token, headers);
    return 0;
  } catch (error) {
    return Number(/\b(40\d)\b/.exec(`${error.code} ${error.status} ${error}`)?.[1] ?? -1);
  }
}

const client = await connected(input.token);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const call = (name, args) => client.callTool({ name, arguments: args });
const page = await call("fetch_page", { path: "/whoami" });
const done = await call("execute_action", input.note);
const help = await call("get_help", {});
const found = await call("search", { query: "soup" });
const context = await client.readResource({ uri: "harmonic://context" });
await client.close();
const reader = await connected(input.readOnlyToken);
const refused = await reader.callTool({ name: "execute_action", arguments: input.note });
await reader.close();
process.stdout.write(
  JSON.stringify({
    versions: [...versions],
    tools,
    page: page.content[0].text,
    written: done.structuredContent.status,
    help: help.content[0].text,
    search: found.structuredContent.status,
    context: context.contents[0].text,
    refused: [refused.isError, refused.structuredContent.code],
    foreignOrigin: await refusal({ Origin: "https://evil.example" }),
  }),
);
