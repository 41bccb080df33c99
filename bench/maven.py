"""Maven: documents and archives, and a cold build of 50 packages, beside nginx with the same files.

nginx sends what was made before; this registry asks its store each time what is there now, as a
build must see. Aims: a quarter of the bare server for a document, and at most twice nginx's time
for the build.
"""

import http.client
import shutil
import statistics
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bench.loading import load, require_wrk
from bench.packages import largest, push_real, real_releases
from bench.serving import Server, ballroom, bare, free_port, running, workspace

PACKAGES = 50
BUILDS = 9  # The median counts.
DISTRIBUTION = "v2201-13-0"

_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  sendfile on;
  keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


def main() -> None:
    """Print the figures."""
    require_wrk()
    packages = largest(PACKAGES)
    with workspace() as folder, ballroom(folder) as ours, bare(folder) as plain:
        print(f"{push_real(ours, packages)} releases of {PACKAGES} packages")
        steps = [step for package in packages for step in steps_of(package)]
        mirror(ours, folder / "nginx/files", steps)
        with nginx(folder / "nginx") as static:
            show_reads(ours, plain, static, packages[0])
            show_builds(ours, static, steps)


@contextmanager
def nginx(folder: Path) -> Generator[Server]:
    """Run Debian's nginx over the files of a folder, with one process as we have one."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        sys.exit("nginx is missing. Install it: apt-get install nginx-light.")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port))
    command = [program, "-c", str(config), "-e", str(folder / "error.log")]
    with running("nginx", command, port=port, folder=folder) as server:
        yield server


def steps_of(package: str) -> list[str]:
    """Return the paths that a build asks for: the versions, then of the newest graph and bala."""
    name = package.partition("/")[2]
    version = str(real_releases()[package][-1]["version"])
    stem = f"{package}/{version}/{name}-{version}"
    return [
        f"{DISTRIBUTION}/{package}/maven-metadata.xml",
        f"{stem}-depgraph.json",
        f"{stem}.bala",
    ]


def mirror(ours: Server, folder: Path, steps: Iterable[str]) -> None:
    """Write each answer to a file, below the path that it is asked by."""
    with httpx.Client(base_url=ours.url, timeout=60, follow_redirects=True) as client:
        for step in steps:
            file = folder / "2.0/maven" / step
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(client.get(f"/2.0/maven/{step}").raise_for_status().content)


def show_reads(ours: Server, plain: Server, static: Server, package: str) -> None:
    """Print requests a second of each document of one package."""
    limit = load(f"{plain.url}/redirect/greet")
    print(f"\nthe bare server    {limit}")
    lists, graph, archive = steps_of(package)
    hosted = f"{package}/maven-metadata.xml"
    for name, step in (("metadata", hosted), ("versions", lists), ("graph", graph)):
        loaded = load(f"{ours.url}/2.0/maven/{step}")
        print(f"{name:18} {loaded}  {loaded.per_second / limit.per_second:.2f} of bare")
    with httpx.Client() as client:
        tag = client.get(f"{ours.url}/2.0/maven/{lists}").headers["etag"]
    known = load(f"{ours.url}/2.0/maven/{lists}", headers={"If-None-Match": tag})
    print(f"{'versions, known':18} {known}  {known.per_second / limit.per_second:.2f} of bare")
    print(f"{'bala, hop one':18} {load(f'{ours.url}/2.0/maven/{archive}')}")
    print(f"{'nginx, versions':18} {load(f'{static.url}/2.0/maven/{lists}')}")
    print(f"{'nginx, bala':18} {load(f'{static.url}/2.0/maven/{archive}')}")


def show_builds(ours: Server, static: Server, steps: Sequence[str]) -> None:
    """Print how long one client takes for everything that a build asks for."""
    times = {"ours": replayed(ours, steps), "nginx": replayed(static, steps)}
    print(f"\na cold build of {PACKAGES} packages, {len(steps)} files")
    for name, seconds in times.items():
        print(f"  {name:6} {seconds * 1000:7.1f} ms")
    print(f"  {times['ours'] / times['nginx']:.2f}x nginx (limit: 2)")


def replayed(server: Server, steps: Sequence[str]) -> float:
    """Return the median time of a build, in seconds, over one connection that stays open."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    taken: list[float] = []
    for _ in range(BUILDS):
        began = time.perf_counter()
        for step in steps:
            fetch(connection, f"/2.0/maven/{step}")
        taken.append(time.perf_counter() - began)
    connection.close()
    return statistics.median(taken)


def fetch(connection: http.client.HTTPConnection, path: str) -> None:
    """Read a file to its end, behind a redirect if there is one."""
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    location = response.headers.get("location")
    if location:
        fetch(connection, urlsplit(location).path)
    elif response.status != http.client.OK:
        raise RuntimeError(path)


if __name__ == "__main__":
    main()
