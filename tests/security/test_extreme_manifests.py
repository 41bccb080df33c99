"""Every field of every document in an archive, with an extreme value: the push is refused with a
sentence, or the release disturbs no face."""

import json

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.mirror.test_extreme_upstream_values import EXTREMES, leaves, replaced
from tests.support.archives import Spec, bala, files, zipped
from tests.support.world import URL, World

DOCUMENTS = ("bala.json", "package.json", "dependency-graph.json", "tool/bal-tool.json")
FACES = (
    "/packages?q=greet",
    "/search-packages?q=greet",
    "/packages/acme/{name}",
    "/packages/acme/{name}/1.0.0",
    "/tools/?q=hello",
    f"{URL}/search?q=acme",
    f"{URL}/packages/acme/{{name}}",
    f"{URL}/packages/acme/{{name}}/1.0.0/dependencies",
    f"{URL}/index/acme/{{name}}/index.json",
    f"{URL}/2.0/maven/acme/{{name}}/1.0.0/{{name}}-1.0.0.pom",
    f"{URL}/",
)


def archive(name: str) -> dict[str, bytes | str]:
    """Return the files of an archive whose documents have all fields."""
    facts = Spec(
        dependencies=["acme/base:1.0.0"],
        keywords=["one"],
        modules=["sub"],
        tools=[name],
        licenses=["MIT"],
        summary="Greets.",
        visibility="public",
    )
    return files(f"acme/{name}:1.0.0", facts)


@pytest.mark.slow
@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES)
async def test_no_field_of_an_archive_disturbs_a_face(world: World, extreme: object) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    pushed = ["greet"]
    for document in DOCUMENTS:
        for path in leaves(json.loads(archive("greet")[document])):
            name = f"p{len(pushed)}"
            content = archive(name)
            said = replaced(json.loads(content[document]), path, extreme)
            refusal = ""
            try:
                await world.push(zipped(content | {document: json.dumps(said)}))
                pushed.append(name)
            except ClientFailure as failure:
                refusal = str(failure)
            assert len(refusal) < 1_000, (document, path)
            assert refusal.isprintable(), (document, path)
    await world.document()
    for name in pushed:
        for face in FACES:
            answer = await world.get(face.format(name=name))
            assert answer.status_code == 200, (name, face, answer.text[:300])
