from tests.protocol.mcp.zz_help import *
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala, published
from tests.support.world import World

async def test_sizes(world: World):
    async def pub(label, *a):
        try:
            await published(world, *a)
        except Exception as e:
            print("PUBFAIL", label, repr(e)[:300])
    emoji="😀"
    await pub("kw", bala("acme/kw:1.0.0", keywords=[f"{i:02d}"+"é"*28 for i in range(20)], licenses=[f"{i:02d}"+emoji*190 for i in range(20)], summary=emoji*300))
    await pub("kw2", bala("acme/kwb:1.0.0", keywords=[f"{i:02d}"+emoji*190 for i in range(20)]))
    await pub("tick", documented_bala("acme/tick:1.0.0", readme="a\n"+"`"*60000+"\nend"))
    mods=[("m%02d"%i)+"x"*120 for i in range(60)]
    await pub("mods", documented_bala("acme/mods:1.0.0", modules=mods))
    long="T"+"a"*3000
    await pub("types", documented_bala("acme/types:1.0.0", {"a.bal": "\n".join(f"# {'d'*1500}\npublic type {long}{i} record {{| int a; |}};" for i in range(10))+"\npublic function f("+", ".join(f"{long}{i} p{i}" for i in range(8))+") {}\n"}))
    await pub("src", documented_bala("acme/src:1.0.0", {"a.bal": "# "+"`"*3000+"\npublic function f() {}\n"+"\n".join(f"# {'`'*2500}\npublic function f{i}() {{}}" for i in range(20))}))
    ag=Agent(world)
    show("kw", await raw(ag,"get_package",package="acme/kw"))
    show("kwb", await raw(ag,"get_package",package="acme/kwb"))
    show("tick", await raw(ag,"get_readme",package="acme/tick",offset=0))
    show("mods pkg", await raw(ag,"get_package",package="acme/mods"))
    show("mods lib", await raw(ag,"get_library",name="acme/mods"))
    show("types", await raw(ag,"get_symbol",package="acme/types",symbol="f"))
    show("types list", await raw(ag,"list_api",package="acme/types"))
    show("types search", await raw(ag,"search_symbols",query="f"))
    show("src", await raw(ag,"get_library",name="acme/src"))
    show("src f", await raw(ag,"get_symbol",package="acme/src",symbol="f"))
    show("unknown field", await raw(ag,"list_api",package="acme/src",**{"x"*150000:1}))
    show("bucket", await raw(ag,"list_api",package="acme/src",bucket="y"*150000))
    show("query", await raw(ag,"search_packages",query="\u0000"*500))
    show("res", await raw(ag,"resolve",packages=["é"*350 for _ in range(25)]))
    show("res2", await raw(ag,"resolve",packages=["\u0001a/"*100 for _ in range(25)]))
    show("deps", await raw(ag,"check",dependencies="x"*190000))
