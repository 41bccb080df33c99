// Calls tools of a registry by the official TypeScript SDK: `node client.mjs URL REVISION`.
//
// TOKEN is who asks, and standard input a list of {"tool", "arguments"}. It runs in the folder that
// the SDK is installed in.

import { createRequire } from "node:module";
import { json } from "node:stream/consumers";

const sdk = createRequire(`${process.cwd()}/`)("@modelcontextprotocol/client");

const [url, revision] = process.argv.slice(2);
const token = process.env.TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const mode = revision === "2025-11-25" ? "legacy" : { pin: revision };
const client = new sdk.Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
await client.connect(new sdk.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools(); // From now on the SDK validates what tools answer.
const results = [];
for (const { tool, arguments: given } of await json(process.stdin)) {
    const { isError, structuredContent, content } = await client.callTool({ name: tool, arguments: given });
    const text = content.map(part => part.text).join("\n");
    results.push({ isError: isError ?? false, structured: structuredContent ?? null, text });
}
const said = {
    revision: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion()?.name,
    tools: tools.map(each => each.name),
    results,
};
await client.close();
process.stdout.write(JSON.stringify(said));
