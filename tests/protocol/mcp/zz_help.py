import json, time
from tests.protocol.mcp.agent import Agent, MCP, META, REVISION
async def raw(agent, tool, **arguments):
    t=time.process_time()
    a = await agent.request("tools/call", {"name": tool, "arguments": arguments})
    dt=time.process_time()-t
    j=a.json()
    return a.status_code, len(a.content), round(dt*1000), j
def show(label, r, n=300):
    s,l,ms,j=r
    res=j.get("result") or j
    txt = res["content"][0]["text"] if "content" in res else json.dumps(res)
    print(f"## {label}: status={s} bytes={l} {'TOOBIG' if l>24*1024 else ''} ms={ms} {'SLOW' if ms>100 else ''} err={res.get('isError')} :: {txt[:n]!r}")
