"""nginx and Envoy in front of a server that answers at once, without and with mirroring to a second one."""

import os
import shutil
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from .load import HOST
from .servers import SERVE, child, installed, pinned


@dataclass(frozen=True)
class Proxy:
    """A running proxy; `bare` names the one without mirroring."""

    name: str
    bare: str
    port: int
    pid: int


def proxies(running: ExitStack) -> list[Proxy]:
    """Start each that is installed, with two servers behind it."""
    upstreams: list[int] = []
    for _ in range(2):
        process = running.enter_context(child([*SERVE, "instant"], {}))
        assert process.stdout
        upstreams.append(int(process.stdout.readline()))
    directory = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="darklaunch-bench-")))
    found: list[Proxy] = []
    for name, program, write in (("nginx", _nginx(), _nginx_config), ("Envoy", _envoy(), _envoy_config)):
        if not program:
            print(f"{name} is not installed and left out", file=sys.stderr)
            continue
        for mirroring in (False, True):
            port = _free_port()
            config = directory / f"{name}-{mirroring}"
            config.write_text(write(port, upstreams, mirroring, config))
            process = running.enter_context(child([*program, str(config)], {}))
            _wait_for(port)
            found.append(Proxy(f"{name} mirroring" if mirroring else name, name, port, process.pid))
    return found


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection((HOST, port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def _nginx() -> list[str]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return [*pinned(program), "-c"] if program else []


def _envoy() -> list[str]:
    spec = find_spec("envoy") if installed("envoy") else None
    program = Path(spec.origin).parent / "_bin" / "envoy" if spec and spec.origin else None
    if program is None or not program.exists():
        return []
    program.chmod(program.stat().st_mode | 0o111)
    return [*pinned(str(program)), "--log-level", "error", "--concurrency", "1", "--use-dynamic-base-id", "-c"]


def _nginx_config(port: int, upstreams: list[int], mirroring: bool, config: Path) -> str:
    mirror = "mirror /mirrored; mirror_request_body off;" if mirroring else ""
    return f"""
daemon off; master_process off; pid {config}.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {config}.b; proxy_temp_path {config}.p; fastcgi_temp_path {config}.f;
  uwsgi_temp_path {config}.u; scgi_temp_path {config}.s; keepalive_requests 1000000000;
  upstream first {{ server {HOST}:{upstreams[0]}; keepalive 256; keepalive_requests 1000000000; }}
  upstream second {{ server {HOST}:{upstreams[1]}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {HOST}:{port};
    location / {{ {mirror} proxy_pass http://first; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location = /mirrored {{ internal; proxy_pass http://second$request_uri; proxy_http_version 1.1;
      proxy_set_header Connection ""; }}
  }}
}}
"""


def _envoy_config(port: int, upstreams: list[int], mirroring: bool, _config: Path) -> str:
    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": HOST, "port_value": port}}

    def cluster(name: str, port: int) -> dict[str, Any]:
        endpoint = {"lb_endpoints": [{"endpoint": {"address": address(port)}}]}
        assignment = {"cluster_name": name, "endpoints": [endpoint]}
        return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment}

    policies = [{"cluster": "second", "runtime_fraction": {"default_value": {"numerator": 100}}}] if mirroring else []
    route = {"match": {"prefix": "/"}, "route": {"cluster": "first", "request_mirror_policies": policies}}
    types = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    clusters = [cluster("first", upstreams[0]), cluster("second", upstreams[1])]
    listener = {"name": "bench", "address": address(port), "filter_chains": [chain]}
    return orjson.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}).decode()
